package check

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// WriteGitHub writes the report as workflow commands of GitHub Actions: an annotation for each finding at its file and
// line, at most limit of them (0 means every one that the report has), and one for the verdict. Warnings are warnings; all
// other findings, and a verdict that is inconclusive, are errors.
func (r *Report) WriteGitHub(w io.Writer, limit int) error {
	var b strings.Builder
	groups, shown := r.shown(limit)
	for _, g := range groups {
		annotate(&b, g.head, g.head.words(true))
		for _, f := range g.tail {
			annotate(&b, f, f.words(false)+followsFrom(g.head))
		}
	}
	if more := r.total() - int64(shown); more > 0 {
		command(&b, "notice", nil, fmt.Sprintf("%s more that are not shown; all are counted.", count(more, "finding")))
	}
	for _, note := range r.Notes {
		command(&b, "notice", nil, printable(note))
	}
	kind := "notice"
	if r.Verdict == Inconclusive {
		kind = "error"
	}
	command(&b, kind, nil, r.headline()+" "+r.totals())
	_, err := io.WriteString(w, b.String())
	return err
}

func annotate(b *strings.Builder, f *Finding, text string) {
	kind := "error"
	if f.Severity == Warning {
		kind = "warning"
	}
	command(b, kind, f, text)
}

// command writes one workflow command. In its text %, CR and LF are escaped; in its properties : and , too.
func command(b *strings.Builder, kind string, f *Finding, text string) {
	escape := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	title := "bank-trace check"
	b.WriteString("::" + kind + " ")
	if f != nil {
		title = f.Rule
		if f.Event != nil {
			b.WriteString("file=" + property.Replace(strings.ToValidUTF8(f.Event.File, "?")) + ",")
			if f.Event.Line > 0 {
				b.WriteString("line=" + strconv.Itoa(f.Event.Line) + ",")
			}
		}
	}
	b.WriteString("title=" + property.Replace(title) + "::" + escape.Replace(text) + "\n")
}
