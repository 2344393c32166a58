package sim

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/seed-8ff1fc32/bank-trace/customer"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// customerNode is the shell of one customer: it thinks, asks, and waits for the answer. In a world with faults it asks
// again when no answer comes or the answer is not final, at the same branch or at another, and gives up in the end.
type customerNode struct {
	*simulation
	place   int
	session *customer.Session
	sink    Sink
	random  *rand.Rand // of where it tries again
	tries   int        // of the request under way
	attempt uint64     // of all attempts
}

func (s *simulation) newCustomer(i int) (*customerNode, error) {
	name := s.cfg.Customers[i]
	c := &customerNode{simulation: s, place: i, session: customer.NewSession(name), random: source(s.cfg.Seed, "retries "+name)}
	var err error
	if c.sink, err = s.cfg.Sink(name); err != nil {
		return nil, err
	}
	h := c.session.Header(1, s.cfg.Branches)
	return c, c.sink.Header(&h)
}

// next begins the customer's next step after its pause.
func (c *customerNode) next() {
	step, ok := c.workload.Next(c.place)
	if !ok {
		c.working--
		return
	}
	c.after(step.Think, func() error {
		to := c.branches[step.Branch]
		call, e, err := c.session.Request(to.id, step.Operation)
		if err != nil {
			return err
		}
		c.tries = 1
		return c.send(to, call, &e)
	})
}

// send makes one attempt.
func (c *customerNode) send(to *branchNode, call customer.Call, e *trace.Event) error {
	if err := c.record(c.sink, e); err != nil {
		return err
	}
	c.network.send(c.session.Name(), to.id, func() error {
		if to.up {
			to.call(c, call)
		}
		return nil
	})
	c.attempt++
	if c.faulty {
		c.retryAfter(customerWait, to)
	}
	return nil
}

// retryAfter tries again after a while, unless something has come of the request meanwhile.
func (c *customerNode) retryAfter(wait time.Duration, last *branchNode) {
	attempt := c.attempt
	c.after(wait, func() error {
		if attempt != c.attempt {
			return nil
		}
		return c.again(last)
	})
}

// again tries the request once more, half of the time at another branch, or gives it up.
func (c *customerNode) again(last *branchNode) error {
	if c.tries >= maxTries {
		c.result.Unknown++
		c.session.GiveUp()
		c.next()
		return nil
	}
	c.tries++
	c.result.Retries++
	to := last
	if c.random.IntN(2) == 0 {
		to = c.branches[c.random.IntN(len(c.branches))]
	}
	call, e, err := c.session.Retry(to.id)
	if err != nil {
		return err
	}
	return c.send(to, call, &e)
}

// reply takes an answer and goes on.
func (c *customerNode) reply(r customer.Reply) error {
	e, err := c.session.Reply(r)
	if errors.Is(err, customer.ErrNotAwaited) && c.faulty {
		return nil // late, or a copy: dropped unrecorded
	}
	if err != nil {
		return err
	}
	c.attempt++
	if err := c.record(c.sink, &e); err != nil {
		return err
	}
	if r.Again {
		c.retryAfter(between(c.random, 0, customerWait), c.branches[c.network.place[r.Stamp.Process]])
		return nil
	}
	c.result.Requests++
	if r.Result == trace.OK {
		c.result.OK++
	}
	c.next()
	return nil
}
