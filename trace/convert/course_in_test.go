package convert_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/convert"
)

var update = flag.Bool("update", false, "rewrite what the files in testdata expect")

func archives(t testing.TB, dir string) map[string]*txtar.Archive {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", dir, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no archives in testdata/%s: %v", dir, err)
	}
	all := map[string]*txtar.Archive{}
	for _, path := range paths {
		if all[path], err = txtar.ParseFile(path); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func inputs(ar *txtar.Archive) []convert.File {
	var files []convert.File
	for _, f := range ar.Files {
		if f.Name != "want" {
			files = append(files, convert.File{Name: f.Name, Data: f.Data})
		}
	}
	return files
}

// TestReadCourse reads the files of each archive together and compares what came of it with its file "want".
func TestReadCourse(t *testing.T) {
	codes := map[convert.CourseCode]bool{}
	for path, ar := range archives(t, "course") {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			files := inputs(ar)
			tr, err := convert.ReadCourse(files)
			got := dump(tr, err)
			if *update {
				ar.Files = ar.Files[:len(files)]
				ar.Files = append(ar.Files, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(path, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(ar.Files[len(ar.Files)-1].Data), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", path, diff)
			}
			if tr == nil {
				return
			}
			sound(t, tr)
			for _, p := range tr.Problems {
				codes[p.Code] = true
			}
		})
	}
	for _, code := range []convert.CourseCode{
		convert.CourseNotAfter, convert.CourseNamesItself, convert.CourseWrongOperation, convert.CourseReceiveAtSend,
		convert.CourseSendAtReceiver, convert.CourseWrongPeer, convert.CourseWrongRequest, convert.CourseNoSend,
		convert.CourseNoReceive, convert.CourseTwoSends, convert.CourseTwoReceives, convert.CourseTwoOrigins,
		convert.CourseNoProcess, convert.CourseNoRequest, convert.CourseNoClock, convert.CourseUnknownComment,
		convert.CourseUnknownOp, convert.CourseListsDiffer, convert.CourseFieldTwice,
	} {
		if !*update && !codes[code] {
			t.Errorf("no archive has a problem %s", code)
		}
	}
}

func dump(tr *convert.CourseTrace, err error) string {
	var b strings.Builder
	if err != nil {
		fmt.Fprintln(&b, err)
		return b.String()
	}
	fmt.Fprintf(&b, "per process %v, flat %v, older %v, shift %d\n", tr.PerProcess, tr.Flat, tr.Older, tr.Shift)
	for _, l := range tr.Processes {
		fmt.Fprintf(&b, "%s:\n", l.Process)
		for _, e := range l.Events {
			fmt.Fprintf(&b, "  %d @%d %s", e.Seq, e.Clock, e.Kind)
			if e.Peer != "" {
				fmt.Fprintf(&b, " %s", e.Peer)
			}
			if e.Cause > 0 {
				fmt.Fprintf(&b, ":%d", e.Cause)
			}
			fmt.Fprintf(&b, " [%s] %q %s:%d\n", e.Request, e.Note, e.File, e.Line)
		}
	}
	for _, p := range tr.Problems {
		fmt.Fprintf(&b, "problem %s %s\n", p.Code, p)
	}
	for _, n := range tr.Notes {
		fmt.Fprintf(&b, "note %s\n", n)
	}
	return b.String()
}

// sound reports what no trace may be, whatever was read.
func sound(t *testing.T, tr *convert.CourseTrace) {
	t.Helper()
	received := map[trace.Ref]trace.Ref{}
	for _, l := range tr.Processes {
		for i, e := range l.Events {
			switch {
			case e.Process != l.Process || e.Seq != uint64(i+1) || e.Clock == 0 || e.File == "" || e.Line == 0 || e.Text == "":
				t.Errorf("%s, entry %d: %+v", l.Process, i+1, e)
			case e.Kind == trace.Receive:
				send := tr.Event(e.CauseRef())
				if send == nil || send.Kind != trace.Send {
					t.Errorf("%v: its cause %v is no send", e.Ref(), e.CauseRef())
				} else if other, twice := received[send.Ref()]; twice {
					t.Errorf("%v is received by %v and by %v", send.Ref(), other, e.Ref())
				}
				received[e.CauseRef()] = e.Ref()
			case e.Cause != 0 || e.Kind != trace.Local && e.Kind != trace.Send:
				t.Errorf("%v: %+v", e.Ref(), e)
			}
		}
	}
	for _, p := range tr.Problems {
		if p.File == "" || p.Line == 0 || p.Code == "" || p.Text == "" || p.Remedy == "" || p.Entry == "" {
			t.Errorf("problem lacks something: %#v", p)
		}
	}
	for process, events := range tr.Logs() {
		var out bytes.Buffer
		w := trace.NewWriter(&out)
		for i := range events {
			if err := w.Event(&events[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		lines, r := 0, trace.NewReader(&out, process)
		for r.Scan() {
			if err, bad := r.Record().(*trace.SyntaxError); bad {
				t.Error(err)
			}
			lines++
		}
		if err := r.Err(); err != nil || lines != len(events) {
			t.Errorf("%s: %d of %d events read back as a log: %v", process, lines, len(events), err)
		}
	}
}

func TestIsCourse(t *testing.T) {
	for path, ar := range archives(t, "course") {
		if strings.HasSuffix(path, "errors.txtar") {
			continue
		}
		for _, f := range inputs(ar) {
			if !convert.IsCourse(f.Data) {
				t.Errorf("%s: %s is not known as the course's", path, f.Name)
			}
		}
	}
	big := `[{"id":1,"type":"branch","events":[` + strings.Repeat(`{"customer-request-id":1,"logical_clock":2,"interface":"query","comment":"event_recv from customer 1"},`, 2_000) + `]}]`
	for _, yes := range []string{big, `[{"id":1,"type":"branch","events":[]}]`, `[{"pid":1,"data":[]}]`, `[{"id":1,"customer-request-id":1,"logical_clock":2`} {
		if !convert.IsCourse([]byte(yes)) {
			t.Errorf("not known as the course's: %.60s", yes)
		}
	}
	for _, no := range []string{
		"", "hello", "[]", "{}", "[1,2]", `{"format":"bank-trace/1","process":"branch-1"}`,
		`{"process":"branch-1","seq":1,"clock":2,"kind":"receive","peer":"customer-1","cause":1,"note":"x"}`,
		`[{"id":1,"type":"customer","events":[{"id":2,"interface":"deposit","money":170}]},{"id":1,"type":"branch","balance":400}]`,
		`[{"id":1,"type":"customer","customer-requests":[{"customer-request-id":1,"interface":"deposit","money":10}]}]`,
		"mode: total\nbranches: [branch-1]\n",
	} {
		if convert.IsCourse([]byte(no)) {
			t.Errorf("taken for the course's: %.60s", no)
		}
	}
}

func TestReadCourseLimits(t *testing.T) {
	_, err := convert.ReadCourse([]convert.File{{Name: "big", Data: make([]byte, convert.MaxCourseFile+1)}})
	var syntax *trace.SyntaxError
	if !errors.As(err, &syntax) || syntax.File != "big" || syntax.Remedy == "" {
		t.Errorf("a file that is too large: %v", err)
	}
	if _, err := convert.ReadCourse(nil); err == nil {
		t.Error("no files, and no error")
	}
	if _, err := convert.ReadCourse([]convert.File{{Name: "deep", Data: bytes.Repeat([]byte("["), 1<<20)}}); err == nil {
		t.Error("a million brackets, and no error")
	}
}

// moment is an event as the course's files know it.
type moment struct {
	process string
	clock   uint64
}

// bank makes the events of requests, replies and propagated writes as they happen in a bank: processes step in random order, and
// messages of one sender to one receiver arrive in their order.
type bank struct {
	t       *testing.T
	random  *rand.Rand
	course  *convert.Course
	process map[string]*trace.Sequencer
	links   [][2]string // sender and receiver of each link with messages under way
	queues  map[[2]string][]message
	causes  map[moment]moment // of each receive
}

type message struct {
	stamp clock.Stamp
	event trace.Event
}

func newBank(t *testing.T, seed uint64) *bank {
	return &bank{t, rand.New(rand.NewPCG(seed, 0)), &convert.Course{}, map[string]*trace.Sequencer{}, nil, map[[2]string][]message{}, map[moment]moment{}}
}

func (b *bank) at(process string) *trace.Sequencer {
	if b.process[process] == nil {
		s := trace.NewSequencer(process)
		b.process[process] = &s
	}
	return b.process[process]
}

func (b *bank) add(e *trace.Event) {
	b.t.Helper()
	if err := b.course.Add(e); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bank) send(from, to string, e trace.Event) {
	e.Peer = to
	stamp := b.at(from).Send(&e)
	b.add(&e)
	link := [2]string{from, to}
	if len(b.queues[link]) == 0 {
		b.links = append(b.links, link)
	}
	b.queues[link] = append(b.queues[link], message{stamp, e})
}

// deliver receives the oldest message of a random link. A branch answers a customer, and propagates what it asks.
func (b *bank) deliver(branches []string) {
	i := b.random.IntN(len(b.links))
	link := b.links[i]
	m := b.queues[link][0]
	if b.queues[link] = b.queues[link][1:]; len(b.queues[link]) == 0 {
		b.links = slices.Delete(b.links, i, i+1)
	}
	e := trace.Event{Request: m.event.Request, Step: m.event.Step, Op: m.event.Op, Result: m.event.Result, Balance: m.event.Balance}
	b.at(link[1]).Receive(m.stamp, &e)
	b.add(&e)
	if e.Step == trace.StepRespond { // the course's files have no clock of it
		return
	}
	b.causes[moment{link[1], e.Clock}] = moment{link[0], m.stamp.Clock}
	if e.Step != trace.StepRequest {
		return
	}
	b.send(link[1], link[0], trace.Event{Request: e.Request, Step: trace.StepRespond, Result: trace.OK, Balance: trace.KnownBalance(400)})
	for _, to := range branches {
		if to != link[1] && e.Op != trace.OpQuery {
			b.send(link[1], to, trace.Event{Request: e.Request, Step: trace.StepPropagate})
		}
	}
}

// TestCourseRoundTrip writes the course's files of random runs and reads them back: nothing is wrong with them, and
// each receive has the cause that it had. Where customers share request numbers, the pairing must still obey the clocks.
func TestCourseRoundTrip(t *testing.T) {
	for seed := range uint64(60) {
		shared := seed%3 == 2
		m := runCourse(t, seed, shared)
		dir := t.TempDir()
		paths, err := m.course.Write(dir, seed%2 == 0)
		if err != nil {
			t.Fatal(err)
		}
		if seed%4 == 1 {
			paths = []string{filepath.Join(dir, convert.CourseAllEvents)}
		}
		var files []convert.File
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !convert.IsCourse(data) {
				t.Errorf("seed %d: %s is not known as the course's", seed, filepath.Base(path))
			}
			files = append(files, convert.File{Name: filepath.Base(path), Data: data})
		}
		tr, err := convert.ReadCourse(files)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		sound(t, tr)
		for _, p := range tr.Problems {
			t.Errorf("seed %d: %s", seed, p)
		}
		compareCauses(t, seed, m.causes, tr, shared)
	}
}

func runCourse(t *testing.T, seed uint64, shared bool) *bank {
	b := newBank(t, seed)
	if !shared {
		numbers := map[trace.ID]int{}
		b.course.Number = func(id trace.ID) int {
			if numbers[id] == 0 {
				numbers[id] = len(numbers) + 1
			}
			return numbers[id]
		}
	}
	var branches []string
	for i := range 1 + seed%5 {
		branches = append(branches, fmt.Sprintf("branch-%d", i+1))
	}
	ops := []trace.Op{trace.OpQuery, trace.OpDeposit, trace.OpWithdraw, trace.OpTransfer}
	asked := map[string]uint64{}
	for left := 40; left > 0 || len(b.links) > 0; {
		if left == 0 || len(b.links) > 0 && b.random.IntN(3) > 0 {
			b.deliver(branches)
			continue
		}
		left--
		customer := fmt.Sprintf("customer-%d", 1+b.random.IntN(1+int(seed%4)))
		asked[customer]++
		b.send(customer, branches[b.random.IntN(len(branches))], trace.Event{
			Request: trace.ID{Process: customer, N: asked[customer]}, Step: trace.StepRequest, Op: ops[b.random.IntN(len(ops))],
		})
	}
	return b
}

func compareCauses(t *testing.T, seed uint64, want map[moment]moment, tr *convert.CourseTrace, shared bool) {
	t.Helper()
	got := map[moment]moment{}
	for _, l := range tr.Processes {
		for _, e := range l.Events {
			if e.Kind != trace.Receive {
				continue
			}
			send := tr.Event(e.CauseRef())
			if send.Clock >= e.Clock {
				t.Errorf("seed %d: %v at %d is paired with %v at %d", seed, e.Ref(), e.Clock, send.Ref(), send.Clock)
			}
			got[moment{e.Process, e.Clock}] = moment{send.Process, send.Clock}
		}
	}
	if len(got) != len(want) {
		t.Errorf("seed %d: %d receives have a cause, want %d", seed, len(got), len(want))
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(moment{})); diff != "" && !shared {
		t.Errorf("seed %d: causes (-want +got):\n%s", seed, diff)
	}
}

func FuzzReadCourse(f *testing.F) {
	for _, ar := range archives(f, "course") {
		files := inputs(ar)
		f.Add(files[0].Data, files[len(files)-1].Data)
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		convert.IsCourse(a)
		tr, err := convert.ReadCourse([]convert.File{{Name: "a", Data: a}, {Name: "b", Data: b}})
		if (tr == nil) != (err != nil) {
			t.Fatalf("trace %v, error %v", tr, err)
		}
		if tr != nil {
			sound(t, tr)
		}
	})
}
