package check

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReportPage holds the tables of docs/report.md to the fields of the JSON report, in their order, and says which of
// them may be absent.
func TestReportPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/report.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "`"+ReportFormat+"`") {
		t.Errorf("docs/report.md does not name %s", ReportFormat)
	}
	row := regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ([^|]+) \\|")
	for section, value := range map[string]any{
		"Report": Report{}, "Rule": RuleResult{}, "Finding": Finding{}, "Place": Place{}, "Skipped": Skipped{},
	} {
		_, table, ok := strings.Cut(string(page), "\n### "+section+"\n")
		if !ok {
			t.Errorf("docs/report.md has no section %s", section)
			continue
		}
		table, _, _ = strings.Cut(table, "\n#")
		var documented []string
		for _, m := range row.FindAllStringSubmatch(table, -1) {
			field := m[1]
			if strings.Contains(m[2], "or absent") {
				field += ",omitempty"
			}
			documented = append(documented, field)
		}
		if diff := cmp.Diff(jsonFields(value), documented); diff != "" {
			t.Errorf("section %s: -code +page:\n%s", section, diff)
		}
	}
}

func jsonFields(v any) []string {
	var fields []string
	for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
		if tag := f.Tag.Get("json"); tag != "" {
			fields = append(fields, tag)
		}
	}
	return fields
}
