package server_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/branch/server"
)

var update = flag.Bool("update", false, "write docs/errors.md anew")

const errorsFile = "../../docs/errors.md"

// declared returns the reasons that a source file declares, in its order.
func declared(t *testing.T, file string) []branch.Reason {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []branch.Reason
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Names) != 1 || !strings.HasPrefix(spec.Names[0].Name, "Reason") {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, branch.Reason(text))
		return true
	})
	return all
}

func table(t *testing.T, reasons []branch.Reason) string {
	var b strings.Builder
	b.WriteString("| reason | gRPC code | result | it means | remedy |\n|---|---|---|---|---|\n")
	for _, r := range reasons {
		e := server.Explain(r)
		if e == server.Explain("NO_SUCH_REASON") || e.Code == codes.OK || e.Meaning == "" || e.Remedy == "" {
			t.Errorf("%s has no explanation", r)
		}
		result := "refused"
		switch r {
		case branch.ReasonInsufficient:
			result = "insufficient"
		case branch.ReasonConflict:
			result = "conflict"
		case server.ReasonLogFailed, server.ReasonStoreFailed, server.ReasonOldCopy:
			result = "unknown"
		case server.ReasonCluster, server.ReasonPeer, server.ReasonBadFrame, server.ReasonBacklog, server.ReasonLinkReplaced:
			result = "–"
		default:
			if r.Transient() {
				result = "unknown"
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", r, constant(e.Code), result, e.Meaning, e.Remedy)
	}
	return b.String()
}

// constant writes a code as the gRPC specification does.
func constant(c codes.Code) string {
	var b strings.Builder
	for i, r := range c.String() {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToUpper(b.String())
}

// TestErrorsAreDocumented holds the tables of docs/errors.md to Explain. -update writes them anew.
func TestErrorsAreDocumented(t *testing.T) {
	request, link := declared(t, "../io.go"), declared(t, "reasons.go")
	if len(request) < 13 || len(link) < 9 {
		t.Fatalf("found the reasons %v and %v", request, link)
	}
	have, err := os.ReadFile(errorsFile)
	if err != nil {
		t.Fatal(err)
	}
	want := have
	for name, reasons := range map[string][]branch.Reason{"requests": request, "branches": link} {
		begin, end := []byte("<!-- begin "+name+" -->\n"), []byte("<!-- end "+name+" -->")
		from, to := bytes.Index(want, begin), bytes.Index(want, end)
		if from < 0 || to < from {
			t.Fatalf("%s has no place for the table of %s", errorsFile, name)
		}
		want = bytes.Join([][]byte{want[:from], begin, []byte("\n" + table(t, reasons) + "\n"), want[to:]}, nil)
	}
	if *update {
		if err := os.WriteFile(errorsFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(want), string(have)); diff != "" {
		t.Errorf("docs/errors.md is out of date, go test ./branch/server -run Documented -update writes it:\n%s", diff)
	}
}
