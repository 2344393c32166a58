package check

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// world makes valid traces of a bank in mode total, round by round: in each round some customers send a request each to
// some branch, the branches order and propagate the writes, acknowledge to all, and execute in the order of (at, origin).
type world struct {
	rng       *rand.Rand
	branches  []*actor
	customers []*actor
	forgetful bool // branches lose what they have executed, and take over another's state
}

// actor is a process and its log.
type actor struct {
	name    string
	seq     trace.Sequencer
	log     []byte
	n       uint64 // requests sent, or writes ordered
	seen    clock.Vector
	balance int64
	lives   uint64
}

// job is a request on its way.
type job struct {
	customer, branch *actor
	e                trace.Event // request fields
	answers          uint64
	at               uint64
}

type sent struct {
	stamp clock.Stamp
	to    *actor
	e     trace.Event
}

func newWorld(seed uint64, branches, customers int) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 1))}
	var names, others []string
	for i := range branches {
		names = append(names, fmt.Sprintf("branch-%d", i+1))
	}
	for i := range customers {
		others = append(others, fmt.Sprintf("customer-%d", i+1))
	}
	for i, name := range names {
		peers := slices.Delete(slices.Clone(names), i, i+1)
		a := &actor{name: name, seq: trace.NewSequencer(name), balance: 400, lives: 1}
		a.log = trace.AppendHeader(nil, &trace.Header{
			Format: trace.Format, Process: name, Role: "branch", Incarnation: 1, Mode: "total", Peers: peers,
			Opening: []trace.AccountBalance{{Account: "main", Amount: 400}}, Ends: true,
		})
		w.branches = append(w.branches, a)
	}
	for _, name := range others {
		a := &actor{name: name, seq: trace.NewSequencer(name)}
		a.log = trace.AppendHeader(nil, &trace.Header{
			Format: trace.Format, Process: name, Role: "customer", Incarnation: 1, Ends: true,
		})
		w.customers = append(w.customers, a)
	}
	return w
}

func (a *actor) local(e trace.Event) trace.Event {
	a.seq.Local(&e)
	a.log = trace.AppendEvent(a.log, &e)
	return e
}

func (a *actor) send(to *actor, e trace.Event) sent {
	e.Peer = to.name
	s := a.seq.Send(&e)
	a.log = trace.AppendEvent(a.log, &e)
	return sent{s, to, e}
}

func (s sent) deliver() trace.Event {
	e := s.e
	e.Answers = 0
	s.to.seq.Receive(s.stamp, &e)
	s.to.log = trace.AppendEvent(s.to.log, &e)
	return e
}

func (w *world) shuffle(messages []sent) []sent {
	w.rng.Shuffle(len(messages), func(i, j int) { messages[i], messages[j] = messages[j], messages[i] })
	return messages
}

// exchange sends a message from every branch to every other and delivers all.
func (w *world) exchange(e trace.Event) {
	var all []sent
	for _, a := range w.branches {
		for _, b := range w.branches {
			if a != b {
				all = append(all, a.send(b, e))
			}
		}
	}
	for _, s := range w.shuffle(all) {
		s.deliver()
	}
}

func (w *world) round() {
	var jobs []*job
	for _, i := range w.rng.Perm(len(w.customers))[:1+w.rng.IntN(len(w.customers))] {
		jobs = append(jobs, w.request(w.customers[i]))
	}
	w.propagate(jobs)
	w.exchange(trace.Event{Step: trace.StepAcknowledge})
	slices.SortFunc(jobs, func(a, b *job) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.branch.name, b.branch.name))
	})
	if w.forgetful && len(w.branches) > 1 && w.rng.IntN(3) == 0 {
		order := w.rng.Perm(len(w.branches))
		w.lose(w.branches[order[0]], w.branches[order[1]], jobs)
		return
	}
	w.executeAll(jobs, w.branches)
	w.reply(jobs)
}

func (w *world) executeAll(jobs []*job, branches []*actor) {
	for _, j := range jobs {
		for _, b := range branches {
			w.execute(j, b)
		}
	}
}

// lose has a branch execute all jobs, and a slow one some. Then the first loses its store, takes over the state of the slow
// one, and executes the rest of the writes again.
func (w *world) lose(lost, slow *actor, jobs []*job) {
	cut := w.rng.IntN(len(jobs) + 1)
	w.executeAll(jobs[:cut], w.branches)
	w.executeAll(jobs[cut:], slices.DeleteFunc(slices.Clone(w.branches), func(b *actor) bool { return b == slow }))
	var now, later, writes []*job
	for _, j := range jobs {
		if j.branch == slow {
			later = append(later, j)
		} else {
			now = append(now, j)
		}
		if j.e.Op != trace.OpQuery {
			writes = append(writes, j)
		}
	}
	w.reply(now)
	sync := slow.send(lost, trace.Event{Step: trace.StepSync})
	lost.lives++
	lost.log = trace.AppendHeader(lost.log, &trace.Header{
		Format: trace.Format, Process: lost.name, Role: "branch", Incarnation: lost.lives, Mode: "total",
		Opening: []trace.AccountBalance{{Account: "main", Amount: 1}}, Ends: true,
	})
	sync.deliver()
	lost.seen, lost.balance = slow.seen.Clone(), slow.balance
	snapshot := trace.Event{Step: trace.StepSnapshot, Sees: lost.seen}
	if lost.balance != 400 {
		snapshot.Balances = []trace.AccountBalance{{Account: "main", Amount: lost.balance}}
	}
	lost.local(snapshot)
	for _, j := range writes {
		if lost.seen.Get(j.e.Write.Process) < j.e.Write.N {
			w.execute(j, lost)
		}
	}
	w.executeAll(jobs[cut:], []*actor{slow})
	w.reply(later)
}

func (w *world) reply(jobs []*job) {
	var replies []sent
	for _, j := range jobs {
		e := j.e
		e.Step, e.Answers, e.Write, e.At = trace.StepRespond, j.answers, trace.ID{}, 0
		e.Account, e.Amount = "", 0
		replies = append(replies, j.branch.send(j.customer, e))
	}
	for _, s := range w.shuffle(replies) {
		s.deliver()
	}
}

func (w *world) request(c *actor) *job {
	c.n++
	j := &job{customer: c, branch: w.branches[w.rng.IntN(len(w.branches))]}
	j.e = trace.Event{Request: trace.ID{Process: c.name, N: c.n}, Step: trace.StepRequest, Account: "main"}
	j.e.Op = trace.OpQuery + trace.Op(w.rng.IntN(3))
	if j.e.Op != trace.OpQuery {
		j.e.Amount = 1 + w.rng.Int64N(300)
	}
	j.answers = c.send(j.branch, j.e).deliver().Seq
	return j
}

func (w *world) propagate(jobs []*job) {
	var all []sent
	for _, j := range jobs {
		if j.e.Op == trace.OpQuery {
			continue
		}
		j.branch.n++
		j.e.Write, j.e.Step = trace.ID{Process: j.branch.name, N: j.branch.n}, trace.StepOrder
		e := j.e
		j.branch.seq.Local(&e)
		e.At = e.Clock
		j.branch.log = trace.AppendEvent(j.branch.log, &e)
		j.at, j.e.At = e.At, e.At
		for _, b := range w.branches {
			if b != j.branch {
				all = append(all, j.branch.send(b, trace.Event{
					Request: j.e.Request, Step: trace.StepPropagate, Write: j.e.Write, At: j.at,
				}))
			}
		}
	}
	for _, s := range w.shuffle(all) {
		s.deliver()
	}
}

func (w *world) execute(j *job, b *actor) {
	query := j.e.Op == trace.OpQuery
	if query && b != j.branch {
		return
	}
	e := j.e
	e.Step, e.Result = trace.StepExecute, trace.OK
	switch {
	case e.Op == trace.OpDeposit:
		b.balance += e.Amount
	case e.Op == trace.OpWithdraw && b.balance < e.Amount:
		e.Result = trace.Insufficient
	case e.Op == trace.OpWithdraw:
		b.balance -= e.Amount
	}
	if !query {
		b.seen = b.seen.Set(e.Write.Process, e.Write.N)
	}
	if b == j.branch {
		e.Sees = b.seen
	}
	e.Balance = trace.KnownBalance(b.balance)
	b.local(e)
	if b == j.branch {
		j.e.Result, j.e.Balance = e.Result, e.Balance
	}
}

// logs ends all logs and returns them by name of file.
func (w *world) logs() map[string][]byte {
	files := map[string][]byte{}
	for _, a := range slices.Concat(w.branches, w.customers) {
		a.log = trace.AppendEnd(a.log, &trace.End{Process: a.name, Events: a.seq.Seq(), Clock: a.seq.Now()})
		files[a.name+".jsonl"] = a.log
	}
	return files
}

// randomLogs returns the logs of a random valid run.
func randomLogs(seed uint64, branches, customers, rounds int) map[string][]byte {
	return newWorld(seed, branches, customers).run(rounds)
}

// forgetfulLogs returns the logs of a random valid run in which branches lose their stores.
func forgetfulLogs(seed uint64, branches, customers, rounds int) map[string][]byte {
	w := newWorld(seed, branches, customers)
	w.forgetful = true
	return w.run(rounds)
}

func (w *world) run(rounds int) map[string][]byte {
	for range rounds {
		w.round()
	}
	return w.logs()
}

// sourcesOf returns the sources of files, in the order of names.
func sourcesOf(files map[string][]byte) []Source {
	var sources []Source
	for name, data := range files {
		sources = append(sources, Bytes(name, data))
	}
	slices.SortFunc(sources, func(a, b Source) int { return cmp.Compare(a.Name, b.Name) })
	return sources
}

// merged returns all logs in one file, the lines of each in their order.
func merged(rng *rand.Rand, files map[string][]byte) []byte {
	var logs [][][]byte
	for _, s := range sourcesOf(files) {
		logs = append(logs, bytes.SplitAfter(files[s.Name], []byte("\n")))
	}
	var all []byte
	for len(logs) > 0 {
		i := rng.IntN(len(logs))
		all = append(all, logs[i][0]...)
		if logs[i] = logs[i][1:]; len(logs[i]) == 0 {
			logs = slices.Delete(logs, i, i+1)
		}
	}
	return all
}
