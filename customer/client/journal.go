package client

import (
	"fmt"

	"github.com/seed-8ff1fc32/bank-trace/customer"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// journal is where a customer's events go. *SessionFile is the one that lasts.
type journal interface {
	// next returns the number of the incarnation that begins.
	next() uint64
	// begin takes the header of an incarnation, and the session that it begins with.
	begin(h *trace.Header, s *customer.Session) error
	// event takes what has just happened to the session. A message that depends on it may leave afterwards.
	event(e *trace.Event, s *customer.Session) error
	// keep takes a change of the session that is no event.
	keep(s *customer.Session) error
	// end takes the end of the log.
	end(e *trace.End, s *customer.Session) error
	// lasts reports whether the session goes on after this client.
	lasts() bool
}

// logOnly is the journal of a session that ends with its client.
type logOnly struct{ log Log }

func (logOnly) next() uint64                 { return 1 }
func (logOnly) keep(*customer.Session) error { return nil }
func (logOnly) lasts() bool                  { return false }

func (l logOnly) begin(h *trace.Header, _ *customer.Session) error { return logged(l.log.Header(h)) }
func (l logOnly) event(e *trace.Event, _ *customer.Session) error  { return logged(l.log.Event(e)) }

func (l logOnly) end(e *trace.End, _ *customer.Session) error {
	if err := l.log.End(e); err != nil {
		return logged(err)
	}
	return logged(l.log.Flush())
}

func logged(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("log: %w", err)
}

// unrecorded is the journal of a session that nobody records.
type unrecorded struct{}

func (unrecorded) Header(*trace.Header) error { return nil }
func (unrecorded) Event(*trace.Event) error   { return nil }
func (unrecorded) End(*trace.End) error       { return nil }
func (unrecorded) Flush() error               { return nil }
