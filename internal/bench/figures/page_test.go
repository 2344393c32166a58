package main

import "testing"

func TestAReportGoesBetweenItsMarks(t *testing.T) {
	page := []byte("# Figures\n")
	for _, x := range []struct{ kind, text, want string }{
		{"checks", "old\n", "# Figures\n<!-- figures: checks -->\nold\n<!-- end of checks -->\n"},
		{"deposits", "d\n", "# Figures\n<!-- figures: checks -->\nold\n<!-- end of checks -->\n<!-- figures: deposits -->\nd\n<!-- end of deposits -->\n"},
		{"checks", "new\n", "# Figures\n<!-- figures: checks -->\nnew\n<!-- end of checks -->\n<!-- figures: deposits -->\nd\n<!-- end of deposits -->\n"},
	} {
		if page = insert(page, x.kind, []byte(x.text)); string(page) != x.want {
			t.Errorf("%s %q:\n%s", x.kind, x.text, page)
		}
	}
}
