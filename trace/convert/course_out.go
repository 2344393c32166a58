// Package convert translates traces from and to foreign formats.
package convert

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// The files that the course asks for.
const (
	CourseCustomerEvents = "customer_events.json"
	CourseBranchEvents   = "branch_events.json"
	CourseAllEvents      = "all_events.json"
	CourseBalances       = "balances.json"
)

// courseEvent is one entry of the course's lists. ID and Type stand in the flat list alone.
type courseEvent struct {
	ID        int    `json:"id,omitempty"`
	Request   int    `json:"customer-request-id"`
	Type      string `json:"type,omitempty"`
	Clock     uint64 `json:"logical_clock"`
	Interface string `json:"interface"`
	Comment   string `json:"comment"`
}

type courseProcess struct {
	ID     int           `json:"id"`
	Type   string        `json:"type"`
	Events []courseEvent `json:"events"`
}

// courseReply is one entry of balances.json: a query has a balance, any other operation a result.
type courseReply struct {
	Interface string `json:"interface"`
	Branch    int    `json:"branch"`
	Balance   *int64 `json:"balance,omitempty"`
	Result    string `json:"result,omitempty"`
}

type courseReplies struct {
	ID      int           `json:"id"`
	Replies []courseReply `json:"recv"`
}

// Course collects what the course's output files hold from the events of a trace: the sending and receiving of
// requests and of propagated writes. The course's own numbering of requests comes from Number.
type Course struct {
	// Number returns the course's number of a request; nil keeps the request's number in its customer.
	Number func(trace.ID) int

	processes map[string]*courseProcess
	requests  map[trace.ID]trace.Op
	flat      []courseFlat
	replies   map[string]*courseReplies
}

type courseFlat struct {
	courseEvent
	customer int
}

// Add takes one event. The events of a process come in their order, and the send event of a request before its other
// events; processes may interleave otherwise.
func (c *Course) Add(e *trace.Event) error {
	if c.processes == nil {
		c.processes, c.replies, c.requests = map[string]*courseProcess{}, map[string]*courseReplies{}, map[trace.ID]trace.Op{}
	}
	kind, id, err := courseName(e.Process)
	if err != nil {
		return err
	}
	switch {
	case e.Step == trace.StepRequest && e.Kind == trace.Send:
		c.requests[e.Request] = e.Op
		return c.add(kind, id, e, e.Op.String(), fmt.Sprintf("event_sent from customer %d", id))
	case e.Step == trace.StepRequest && e.Kind == trace.Receive:
		return c.addPeer(kind, id, e, e.Op.String(), "event_recv from")
	case e.Step == trace.StepPropagate && e.Kind == trace.Send:
		return c.addPeer(kind, id, e, "propagate_"+c.requests[e.Request].String(), "event_sent to")
	case e.Step == trace.StepPropagate && e.Kind == trace.Receive:
		return c.addPeer(kind, id, e, "propagate_"+c.requests[e.Request].String(), "event_recv from")
	case e.Step == trace.StepRespond && e.Kind == trace.Receive:
		return c.addReply(id, e)
	}
	return nil
}

func (c *Course) addPeer(kind string, id int, e *trace.Event, iface, comment string) error {
	peerKind, peerID, err := courseName(e.Peer)
	if err != nil {
		return err
	}
	return c.add(kind, id, e, iface, fmt.Sprintf("%s %s %d", comment, peerKind, peerID))
}

func (c *Course) add(kind string, id int, e *trace.Event, iface, comment string) error {
	p := c.processes[e.Process]
	if p == nil {
		p = &courseProcess{ID: id, Type: kind}
		c.processes[e.Process] = p
	}
	_, customer, err := courseName(e.Request.Process)
	if err != nil {
		return err
	}
	entry := courseEvent{Request: c.number(e.Request), Clock: e.Clock, Interface: iface, Comment: comment}
	p.Events = append(p.Events, entry)
	entry.ID, entry.Type = id, kind
	c.flat = append(c.flat, courseFlat{entry, customer})
	return nil
}

func (c *Course) addReply(id int, e *trace.Event) error {
	_, branch, err := courseName(e.Peer)
	if err != nil {
		return err
	}
	r := c.replies[e.Process]
	if r == nil {
		r = &courseReplies{ID: id}
		c.replies[e.Process] = r
	}
	reply := courseReply{Interface: c.requests[e.Request].String(), Branch: branch, Result: "fail"}
	if e.Result == trace.OK {
		reply.Result = "success"
	}
	if c.requests[e.Request] == trace.OpQuery && e.Balance.Known {
		balance := e.Balance.Amount
		reply.Result, reply.Balance = "", &balance
	}
	r.Replies = append(r.Replies, reply)
	return nil
}

func (c *Course) number(request trace.ID) int {
	if c.Number != nil {
		return c.Number(request)
	}
	return int(request.N)
}

// Write writes the course's files into a folder, balances.json only if asked for, and returns their paths.
func (c *Course) Write(dir string, balances bool) ([]string, error) {
	slices.SortStableFunc(c.flat, func(a, b courseFlat) int {
		return cmp.Or(cmp.Compare(a.customer, b.customer), cmp.Compare(a.Request, b.Request),
			cmp.Compare(a.Clock, b.Clock), cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID))
	})
	flat := make([]courseEvent, len(c.flat))
	for i := range c.flat {
		flat[i] = c.flat[i].courseEvent
	}
	files := []struct {
		name    string
		content any
	}{
		{CourseCustomerEvents, c.list("customer")},
		{CourseBranchEvents, c.list("branch")},
		{CourseAllEvents, flat},
	}
	if balances {
		list := make([]courseReplies, 0, len(c.replies))
		for _, r := range c.replies {
			list = append(list, *r)
		}
		slices.SortFunc(list, func(a, b courseReplies) int { return cmp.Compare(a.ID, b.ID) })
		files = append(files, struct {
			name    string
			content any
		}{CourseBalances, list})
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	var paths []string
	for _, f := range files {
		data, err := json.MarshalIndent(f.content, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path, append(data, '\n'), 0o644); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

func (c *Course) list(kind string) []courseProcess {
	list := []courseProcess{}
	for _, p := range c.processes {
		if p.Type == kind {
			list = append(list, *p)
		}
	}
	slices.SortFunc(list, func(a, b courseProcess) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// courseName splits branch-3 into what the course calls it: type branch, id 3.
func courseName(process string) (kind string, id int, err error) {
	kind, number, ok := strings.Cut(process, "-")
	if id, err = strconv.Atoi(number); !ok || err != nil || kind != "branch" && kind != "customer" {
		return "", 0, fmt.Errorf("process %q is not branch-N or customer-N, as the course's files need", process)
	}
	return kind, id, nil
}
