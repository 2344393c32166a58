package viewer

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"io/fs"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
)

// MostPage is how many events a trace may have to be written as a page.
const MostPage = 20_000

// TooLargeError says that a trace has too many events to be written as a page.
type TooLargeError struct{ Events int64 }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the trace has %d events, and a page holds at most %d; look at it with `bank-trace view`, or draw a part of it",
		e.Events, MostPage)
}

// pageData is all that the page can ask about a trace. Columns have a number for each event of a process; texts are numbers of
// Strings.
type pageData struct {
	Overview *overview  `json:"overview"`
	Findings []finding  `json:"findings"`
	Cut      []string   `json:"cut"`
	Missing  []string   `json:"missing"`
	Strings  []string   `json:"strings"`
	Lanes    []pageLane `json:"lanes"`
	Messages []int32    `json:"messages"` // process and place of the send, process and place of the receive, in the order of messages.all
}

type pageLane struct {
	Seq     []uint64 `json:"seq"`
	Clock   []uint64 `json:"clock"`
	Mark    []int    `json:"mark"`
	Step    []int    `json:"step"`
	Peer    []int32  `json:"peer"` // process; -1 for none
	Name    []int    `json:"peerName"`
	Request []int    `json:"request"`
	Write   []int    `json:"write"`
	Account []int    `json:"account"`
	To      []int    `json:"to"`
	Cause   []uint64 `json:"cause"`
	Stamp   []uint64 `json:"stamp"`
	File    []int    `json:"file"`
	Line    []int    `json:"line"`
	Words   []int    `json:"words"`
	Raw     []int    `json:"raw"`
}

// WritePage writes the page and the trace as one HTML file that needs nothing else, and that opens with what fragment says: see
// [Viewer.Link]. The error is a *[TooLargeError] where the trace has more than [MostPage] events.
func (v *Viewer) WritePage(ctx context.Context, w io.Writer, fragment string) error {
	h := v.acquire()
	defer v.release(h)
	return h.writePage(ctx, w, fragment)
}

func (ix *index) writePage(ctx context.Context, w io.Writer, fragment string) error {
	if ix.events > MostPage {
		return &TooLargeError{ix.events}
	}
	data, err := ix.pageData(ctx)
	if err != nil {
		return err
	}
	packed, err := pack(data)
	if err != nil {
		return err
	}
	page, err := inline(packed, "bank-trace: "+ix.name, fragment)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, page)
	return err
}

// pack writes the data as text that can stand in a page.
func pack(data *pageData) (string, error) {
	var b bytes.Buffer
	text := base64.NewEncoder(base64.StdEncoding, &b)
	zipped, err := gzip.NewWriterLevel(text, gzip.BestCompression)
	if err != nil {
		return "", err
	}
	if err := json.NewEncoder(zipped).Encode(data); err != nil {
		return "", err
	}
	if err := zipped.Close(); err != nil {
		return "", err
	}
	err = text.Close()
	return b.String(), err
}

// The parts of index.html that a page without a server has in another form.
const (
	styleTag  = `<link rel="stylesheet" href="viewer.css">`
	scriptTag = `<script src="viewer.js" defer></script>`
	titleTag  = `<title>bank-trace</title>`
	endOfBody = `</body>`
)

// inlinePolicy forbids a page without a server to load anything.
const inlinePolicy = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; ` +
	`style-src 'unsafe-inline'; img-src data:">`

func inline(packed, title, fragment string) (string, error) {
	var parts [3]string
	for i, name := range []string{"index.html", "viewer.css", "viewer.js"} {
		b, err := fs.ReadFile(assets(), name)
		if err != nil {
			return "", err
		}
		parts[i] = string(b)
	}
	page := parts[0]
	for _, r := range [][2]string{
		{styleTag, inlinePolicy + "\n<style>" + parts[1] + "</style>"},
		{scriptTag, ""},
		{titleTag, "<title>" + html.EscapeString(title) + "</title>"},
		{endOfBody, `<script type="application/octet-stream" id="trace-data" data-opening="` + html.EscapeString(fragment) + `">` + packed + "</script>\n<script>" + parts[2] + "</script>\n</body>"},
	} {
		if strings.Count(page, r[0]) != 1 {
			return "", fmt.Errorf("web/dist/index.html has no single %s; build it again", r[0])
		}
		page = strings.Replace(page, r[0], r[1], 1)
	}
	return page, nil
}

func (ix *index) pageData(ctx context.Context) (*pageData, error) {
	d := &pageData{Overview: ix.overview(), Findings: ix.findings(0, mostFindings), Cut: ix.trace.Cut, Missing: ix.trace.Missing,
		Lanes: make([]pageLane, len(ix.lanes))}
	d.Overview.Findings = len(d.Findings)
	texts := newTable[string]()
	number := map[string]int{}
	for i, l := range ix.lanes {
		number[l.name] = i
	}
	for _, l := range ix.logs {
		for _, file := range l.Files {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			err := eachLine(file, func(e *trace.Event, line int, raw string) {
				d.Lanes[number[e.Process]].add(e, &texts, file, line, raw)
			})
			if err != nil {
				return nil, err
			}
		}
	}
	for i, l := range ix.lanes {
		p := &d.Lanes[i]
		if len(p.Seq) != l.len() {
			return nil, fmt.Errorf("the log of %s changed while it was read; ask again", l.name)
		}
		for pos := range l.len() {
			p.Mark = append(p.Mark, int(l.marks[pos]))
			p.Peer = append(p.Peer, l.peer(int32(pos)))
		}
	}
	for _, m := range ix.messages.all {
		d.Messages = append(d.Messages, m.send.Process, m.send.Pos, m.receive.Process, m.receive.Pos)
	}
	d.Strings = texts.values
	return d, nil
}

func (p *pageLane) add(e *trace.Event, texts *table[string], file string, line int, raw string) {
	put := func(column *[]int, text string) { *column = append(*column, int(texts.of(text))) }
	p.Seq = append(p.Seq, e.Seq)
	p.Clock = append(p.Clock, e.Clock)
	p.Step = append(p.Step, int(e.Step))
	p.Cause = append(p.Cause, e.Cause)
	p.Stamp = append(p.Stamp, e.Stamp)
	p.Line = append(p.Line, line)
	put(&p.Name, e.Peer)
	put(&p.Request, e.Request.String())
	put(&p.Write, e.Write.String())
	put(&p.Account, e.Account)
	put(&p.To, e.ToAccount)
	put(&p.File, file)
	put(&p.Words, causal.Words(e))
	put(&p.Raw, raw)
}

// mostFile is how large a log may be that goes into a page.
const mostFile = 256 << 20

// eachLine calls do with the events of a file and the lines they stand on.
func eachLine(file string, do func(e *trace.Event, line int, raw string)) error {
	body, err := trace.Opener(file, false)()
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(body, mostFile))
	if e := body.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	lines := bytes.Split(text, []byte{'\n'})
	r := trace.NewReader(bytes.NewReader(text), file)
	for r.Scan() {
		e, ok := r.Record().(*trace.Event)
		if !ok {
			continue
		}
		raw := lines[r.Line()-1]
		if len(raw) > mostLine {
			raw = append(raw[:mostLine:mostLine], "…"...)
		}
		do(e, r.Line(), string(bytes.TrimRight(raw, "\r")))
	}
	return r.Err()
}
