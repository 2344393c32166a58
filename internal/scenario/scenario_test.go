package scenario_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"

	"github.com/seed-8ff1fc32/bank-trace/internal/scenario"
)

var update = flag.Bool("update", false, "rewrite what the files in testdata expect")

// TestGolden reads the one input of each archive and compares what came of it: the scenario and its warnings, or all
// errors in their order.
func TestGolden(t *testing.T) {
	for _, sort := range []string{"good", "bad"} {
		paths, err := filepath.Glob(filepath.Join("testdata", sort, "*.txtar"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no archives in testdata/%s: %v", sort, err)
		}
		for _, path := range paths {
			t.Run(sort+"/"+strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { golden(t, path, sort == "good") })
		}
	}
}

func golden(t *testing.T, path string, good bool) {
	ar, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	in := ar.Files[0]
	s, err := scenario.Parse(in.Name, in.Data)
	if (err == nil) != good {
		t.Errorf("Parse gave error %v, want one: %v", err, !good)
	}
	got := ""
	if err != nil {
		got = err.Error() + "\n"
		for _, e := range parts(t, err) {
			if e.File != in.Name || e.Problem == "" || e.Remedy == "" {
				t.Errorf("error without file, problem or remedy: %#v", e)
			}
		}
	} else {
		got = dump(s)
	}
	if *update {
		ar.Files = []txtar.File{in, {Name: "want", Data: []byte(got)}}
		if err := os.WriteFile(path, txtar.Format(ar), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if len(ar.Files) != 2 {
		t.Fatalf("%s: want an input and one file named want; run with -update", path)
	}
	if diff := cmp.Diff(string(ar.Files[1].Data), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// dump writes a scenario one value a line.
func dump(s *scenario.Scenario) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q mode=%s course=%v roaming=%v\n", s.Name, s.Mode, s.Course, s.Roaming)
	for _, br := range s.Branches {
		fmt.Fprintf(&b, "%s %v\n", br.Name(), br.Opening)
	}
	for _, c := range s.Customers {
		fmt.Fprintln(&b, c.Name())
		for _, st := range c.Steps {
			fmt.Fprintf(&b, "  %d: %s branch=%d account=%q to=%q amount=%d wait=%s\n", st.ID, st.Op, st.Branch, st.Account, st.ToAccount, st.Amount, st.Wait)
		}
	}
	for _, w := range s.Warnings {
		fmt.Fprintln(&b, "warning:", w)
	}
	return b.String()
}

// parts takes a joined error apart.
func parts(t *testing.T, err error) []*scenario.Error {
	t.Helper()
	all := []error{err}
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		all = j.Unwrap()
	}
	var out []*scenario.Error
	for _, err := range all {
		var e *scenario.Error
		if !errors.As(err, &e) {
			t.Fatalf("%T is no *scenario.Error: %v", err, err)
		}
		out = append(out, e)
	}
	return out
}

// TestNotText is for what an archive of text cannot hold.
func TestNotText(t *testing.T) {
	deep := strings.Repeat("[", 100_000)
	for _, c := range []struct{ name, data, want string }{
		{"empty", "", "f: the file is empty; "},
		{"blank", " \r\n\t\n", "f: the file is empty; "},
		{"comment only", "# nothing\n", "f: the file is empty; "},
		{"json comment only", "// nothing\n", "f:1:1: this is not a scenario (\"// nothing\"); "},
		{"binary", "\x7fELF\x02\x01", "f:1:1: the file is not text in UTF-8 (byte 0x7f); "},
		{"picture", "\x89PNG\r\n\x1a\n", "f:1:1: the file is not text in UTF-8 (byte 0x89); "},
		{"zero byte", "mode: total\nna\x00me: x\n", "f:2:3: the file is not text in UTF-8 (byte 0x0); "},
		{"bad utf-8", "[\n {\"é\xff\"", "f:2:5: the file is not text in UTF-8 (byte 0xff); "},
		{"utf-16", "\xff\xfe[\x00]\x00", "f: the file is text in UTF-16; "},
		{"deep json", deep, "f:1:34: lists and objects are nested more than 32 deep; "},
		{"deep flow yaml", "a: " + deep, "f:1:36: lists and mappings are nested more than 32 deep; "},
		{"deep dashes", strings.Repeat("- ", 100_000), "f:1:65: lists and mappings are nested more than 32 deep; "},
		{"question marks", strings.Repeat("? ", 100_000), "f:1:1: anchors, aliases, tags, directives and \"? \" keys are not read here (?); "},
		{"crlf", "mode: total\r\nbranches: 0\r\nopening: 1\r\ncustomers: [{id: 1, steps: []}]\r\n", "f:2:11: branches: the number of branches must be a whole number from 1 to 64 (0); "},
		{"lone cr", "[\r{\"type\":\"bank\",\r\"id\":x}]", "f:3:6: a value is expected here (x); "},
		{"byte order mark", "\xef\xbb\xbf[x]", "f:1:2: a value is expected here (x); "},
		{"tabs in json", "[\n\t\tx]", "f:2:3: a value is expected here (x); "},
		{"too large", strings.Repeat(" ", scenario.MaxJSONSize+1), "f: the file is over 64 MiB; "},
		{"yaml too large", "a: b\n" + strings.Repeat("#\n", scenario.MaxYAMLSize/2), "f: the file is over 4 MiB, the limit of YAML; "},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := scenario.Parse("f", []byte(c.data))
			if err == nil || s != nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v, error %.200v\nwant error %s...", s, err, c.want)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	_, err := scenario.Load(dir)
	if want := dir + ": this is a directory; name a scenario file inside it"; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
	missing := filepath.Join(dir, "missing.yaml")
	_, err = scenario.Load(missing)
	var e *scenario.Error
	if !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &e) || e.File != missing || strings.Count(err.Error(), missing) != 1 {
		t.Errorf("got error %v, want one that is fs.ErrNotExist and names %s once", err, missing)
	}
	path := filepath.Join(dir, "two words.v2.json")
	if err := os.WriteFile(path, []byte("branches: 1\nopening: 5\ncustomers:\n- {id: 1, steps: []}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := scenario.Load(path)
	if err != nil || s.Name != "two words.v2" || s.Course {
		t.Errorf("got %+v, error %v; want YAML named two words.v2, whatever the extension", s, err)
	}
}

// TestExamples loads every file in examples without a warning.
func TestExamples(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("..", "..", "examples", "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, path := range paths {
		if ext := filepath.Ext(path); ext != ".yaml" && ext != ".json" {
			continue
		}
		read++
		s, err := scenario.Load(path)
		if err != nil {
			t.Error(err)
			continue
		}
		if len(s.Warnings) > 0 {
			t.Errorf("%s: warnings %q", path, s.Warnings)
		}
		if course := strings.HasPrefix(filepath.Base(path), "course"); s.Course != course {
			t.Errorf("%s: course is %v", path, s.Course)
		}
		if roaming := strings.HasSuffix(path, "course-roaming.json"); s.Roaming != roaming {
			t.Errorf("%s: roaming is %v", path, s.Roaming)
		}
		roundTrip(t, s)
	}
	if read < 4 {
		t.Errorf("only %d examples read", read)
	}
}

// TestDocumented reads the two files that the package documentation shows.
func TestDocumented(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from, to string
		steps    int
	}{{"# Our own form", "branches is a number", 6}, {"# Course files", "An interface is", 2}} {
		_, part, _ := strings.Cut(string(doc), c.from)
		part, _, _ = strings.Cut(part, c.to)
		var text strings.Builder
		for line := range strings.Lines(part) {
			if code, ok := strings.CutPrefix(line, "//\t"); ok {
				text.WriteString(code)
			}
		}
		s, err := scenario.Parse("doc", []byte(text.String()))
		if err != nil {
			t.Errorf("%v\n%s", err, text.String())
			continue
		}
		steps := 0
		for _, customer := range s.Customers {
			steps += len(customer.Steps)
		}
		if steps != c.steps || len(s.Warnings) > 0 {
			t.Errorf("%s: %d steps, want %d; warnings %q", c.from, steps, c.steps, s.Warnings)
		}
	}
}

func TestOpeningIsACopy(t *testing.T) {
	if got := new(scenario.Scenario).Opening(); got != nil {
		t.Errorf("no branches, but opening %v", got)
	}
	s, err := scenario.Parse("f", []byte("{\"branches\":2,\"opening\":7,\"customers\":[{\"id\":1,\"steps\":[]}]}"))
	if err != nil {
		t.Fatal(err)
	}
	s.Opening()["main"] = 8
	s.Branches[1].Opening["main"] = 9
	if got := s.Opening(); !reflect.DeepEqual(got, map[string]int64{"main": 7}) {
		t.Errorf("opening is %v: a change elsewhere reached it", got)
	}
}

func TestYAMLRefuses(t *testing.T) {
	uneven := &scenario.Scenario{Name: "x", Branches: []scenario.Branch{{ID: 1, Opening: map[string]int64{"main": 1}}, {ID: 2}}}
	strange := &scenario.Scenario{Name: "x", Customers: []scenario.Customer{{ID: 4, Steps: []scenario.Step{{Op: "steal"}}}}}
	for want, s := range map[string]*scenario.Scenario{
		"x: branch-2: opens with other balances than branch-1; give all branches the same":       uneven,
		"x: customer-4, step 1: there is no such operation (steal); use one of the Op constants": strange,
	} {
		if _, err := s.YAML(); err == nil || err.Error() != want {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
}

// roundTrip writes s and reads it back.
func roundTrip(t rapid.TB, s *scenario.Scenario) {
	t.Helper()
	text, err := s.YAML()
	if err != nil {
		t.Fatalf("a scenario that was read cannot be written: %v", err)
	}
	if len(text) > scenario.MaxYAMLSize {
		return
	}
	again, err := scenario.Parse("again", text)
	if err != nil {
		t.Fatalf("what was written cannot be read: %v\n%s", err, text)
	}
	want := *s
	want.Course, want.Roaming, want.Warnings = false, false, nil
	want.Customers = nil
	for _, c := range s.Customers {
		c.Steps = append([]scenario.Step(nil), c.Steps...)
		for i := range c.Steps {
			c.Steps[i].ID = i + 1
		}
		want.Customers = append(want.Customers, c)
	}
	if diff := cmp.Diff(&want, again); diff != "" {
		t.Fatalf("read, written and read again (-first +again):\n%s\n%s", diff, text)
	}
	twice, err := again.YAML()
	if err != nil || !bytes.Equal(text, twice) {
		t.Fatalf("written twice differs (error %v):\n%s\n%s", err, text, twice)
	}
}

// FuzzParse: no input panics or ends without an answer, errors are ours, and what was read is in its limits and
// survives being written.
func FuzzParse(f *testing.F) {
	paths, _ := filepath.Glob(filepath.Join("testdata", "*", "*.txtar"))
	for _, path := range paths {
		ar, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(ar.Files[0].Data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := scenario.Parse("fuzz.yaml", data)
		if err != nil {
			lines := bytes.Count(data, []byte("\n")) + bytes.Count(data, []byte("\r")) + 1
			for _, e := range parts(t, err) {
				if e.File != "fuzz.yaml" || e.Problem == "" || e.Remedy == "" || e.Line > lines || (e.Line > 0) != (e.Column > 0) {
					t.Errorf("error lacks something: %#v", e)
				}
			}
			return
		}
		inLimits(t, s)
		roundTrip(t, s)
	})
}

// inLimits checks what a reader of a scenario may rely on.
func inLimits(t *testing.T, s *scenario.Scenario) {
	t.Helper()
	if n := len(s.Branches); n < 1 || n > scenario.MaxBranches || s.Name == "" || len(s.Customers) == 0 {
		t.Fatalf("%d branches, name %q, %d customers", n, s.Name, len(s.Customers))
	}
	opening := s.Opening()
	known := map[int]bool{}
	for _, b := range s.Branches {
		if b.ID < 1 || known[b.ID] || !reflect.DeepEqual(b.Opening, opening) || len(opening) == 0 {
			t.Fatalf("branch %+v, opening %v", b, opening)
		}
		known[b.ID] = true
	}
	customers := map[int]bool{}
	for _, c := range s.Customers {
		if c.ID < 1 || customers[c.ID] {
			t.Fatalf("customer %d", c.ID)
		}
		customers[c.ID] = true
		for _, st := range c.Steps {
			if !validStep(st, known, opening) {
				t.Fatalf("step %+v of %s", st, c.Name())
			}
		}
	}
}

func validStep(st scenario.Step, branches map[int]bool, opening map[string]int64) bool {
	if st.Op == scenario.OpWait {
		return st.Wait > 0 && st.Wait <= scenario.MaxWait && st.Branch == 0 && st.Account == "" && st.ToAccount == "" && st.Amount == 0
	}
	_, from := opening[st.Account]
	_, to := opening[st.ToAccount]
	amount := st.Amount > 0 && st.Amount <= scenario.MaxAmount
	if st.ID < 1 || st.Wait != 0 || !branches[st.Branch] || !from {
		return false
	}
	switch st.Op {
	case scenario.OpQuery:
		return st.Amount == 0 && st.ToAccount == ""
	case scenario.OpDeposit, scenario.OpWithdraw:
		return amount && st.ToAccount == ""
	case scenario.OpTransfer:
		return amount && to && st.Account != st.ToAccount
	}
	return false
}
