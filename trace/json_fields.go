package trace

import "strings"

// field numbers the fields that this package knows.
type field uint8

const (
	fNone field = iota
	fProcess
	fSeq
	fClock
	fKind
	fPeer
	fCause
	fStamp
	fRequest
	fStep
	fWrite
	fAt
	fDeps
	fOp
	fAccount
	fToAccount
	fToBranch
	fAmount
	fBalance
	fToBalance
	fResult
	fSees
	fAnswers
	fHas
	fBalances
	fWall
	fNote
	fFormat
	fRole
	fIncarnation
	fMode
	fPeers
	fOpening
	fFirst
	fEnds
	fEnd
	fEvents
	fieldCount
)

const (
	onEvent  = 1 << isEvent
	onHeader = 1 << isHeader
	onEnd    = 1 << isEnd
)

// fields says on which records a field stands, and what to write there.
var fields = [fieldCount]struct {
	name   string
	on     uint8
	remedy string
}{
	fProcess:     {"process", onEvent | onHeader | onEnd, "write the name of the process that the log is of"},
	fSeq:         {"seq", onEvent, "write the number of the event in its process, counted from 1, as a plain number"},
	fClock:       {"clock", onEvent | onEnd, "write the Lamport clock of the event as a plain number"},
	fKind:        {"kind", onEvent, "write local, send or receive"},
	fPeer:        {"peer", onEvent, "write the name of the other process"},
	fCause:       {"cause", onEvent, "write the seq of the peer's send event as a plain number"},
	fStamp:       {"stamp", onEvent, "write the clock that the message carried as a plain number"},
	fRequest:     {"request", onEvent, "write the customer, a slash and the number of its request"},
	fStep:        {"step", onEvent, "write a step of the bank's protocol, or leave it out"},
	fWrite:       {"write", onEvent, "write the branch that ordered the write, a slash and its number there"},
	fAt:          {"at", onEvent, "write the clock of the write's order event as a plain number"},
	fDeps:        {"deps", onEvent, `write for each branch how many of its writes must come before, as in {"branch-1":2}`},
	fOp:          {"op", onEvent, "write an operation of the bank, or leave it out"},
	fAccount:     {"account", onEvent, "write the name of the account"},
	fToAccount:   {"to_account", onEvent, "write the name of the account that gets the money"},
	fToBranch:    {"to_branch", onEvent, "write the name of the branch that gets the rights"},
	fAmount:      {"amount", onEvent, "write the amount in minor units, cents say, as a plain number"},
	fBalance:     {"balance", onEvent, "write the balance afterwards in minor units as a plain number"},
	fToBalance:   {"to_balance", onEvent, "write the balance of to_account afterwards in minor units as a plain number"},
	fResult:      {"result", onEvent, "write how the operation ended, or leave it out"},
	fSees:        {"sees", onEvent, `write for each branch how many of its writes are behind the result, as in {"branch-1":2}`},
	fAnswers:     {"answers", onEvent, "write the seq of the request's receive event as a plain number"},
	fHas:         {"has", onEvent, `write for each branch how many of its writes are held, as in {"branch-1":2}`},
	fBalances:    {"balances", onEvent, `write each account's balance in minor units, as in {"main":400}`},
	fWall:        {"wall", onEvent, "write unix nanoseconds as a plain number, or leave it out"},
	fNote:        {"note", onEvent, "write a string, or leave it out"},
	fFormat:      {"format", onHeader, `write "bank-trace/1"; logs of a later format need a later version of this program`},
	fRole:        {"role", onHeader, "leave it out for a process that is neither"},
	fIncarnation: {"incarnation", onHeader, "write 1, and one more after each restart"},
	fMode:        {"mode", onHeader, "leave it out where neither is meant"},
	fPeers:       {"peers", onHeader, `write the names of the other processes, as in ["branch-2","branch-3"]`},
	fOpening:     {"opening", onHeader, `write each account's balance in minor units, as in {"main":400}`},
	fFirst:       {"first", onHeader, "write the seq of the first event in the log, or leave it out"},
	fEnds:        {"ends", onHeader, "write true where the log ends with an end record, or leave it out"},
	fEnd:         {"end", onEnd, "write true in the last record of a log, and leave it out elsewhere"},
	fEvents:      {"events", onEnd, "write how many events the process has recorded as a plain number"},
}

// fieldOf returns the field of a name, fNone for an unknown one.
func fieldOf(name []byte) field {
	switch string(name) {
	case "process":
		return fProcess
	case "seq":
		return fSeq
	case "clock":
		return fClock
	case "kind":
		return fKind
	case "peer":
		return fPeer
	case "cause":
		return fCause
	case "stamp":
		return fStamp
	case "request":
		return fRequest
	case "step":
		return fStep
	case "write":
		return fWrite
	case "at":
		return fAt
	case "deps":
		return fDeps
	case "op":
		return fOp
	case "account":
		return fAccount
	case "to_account":
		return fToAccount
	case "to_branch":
		return fToBranch
	case "amount":
		return fAmount
	case "balance":
		return fBalance
	case "to_balance":
		return fToBalance
	case "result":
		return fResult
	case "sees":
		return fSees
	case "answers":
		return fAnswers
	case "has":
		return fHas
	case "balances":
		return fBalances
	case "wall":
		return fWall
	case "note":
		return fNote
	}
	for f := fFormat; f < fieldCount; f++ {
		if fields[f].name == string(name) {
			return f
		}
	}
	return fNone
}

// isLaterFormat reports whether format only adds to [Format].
func isLaterFormat(format string) bool { return strings.HasPrefix(format, Format+".") }

var (
	roleNames = [...]string{"", "branch", "customer"}
	modeNames = [...]string{"", "total", "causal"}
)

// value reads the value of a field into the record.
func (r *record) value(f field) {
	switch r.is {
	case isHeader:
		r.headerValue(f)
	case isEnd:
		r.endValue(f)
	default:
		r.eventValue(f)
	}
}

func (r *record) eventValue(f field) {
	switch e := r.event; f {
	case fProcess:
		e.Process = r.name(f)
	case fSeq:
		e.Seq = r.count(1)
	case fClock:
		e.Clock = r.count(1)
	case fKind:
		e.Kind = Kind(r.word(kindNames[:]))
	case fPeer:
		e.Peer = r.name(f)
	case fCause:
		e.Cause = r.count(1)
	case fStamp:
		e.Stamp = r.count(1)
	case fRequest:
		e.Request = r.id(f)
	case fStep:
		e.Step = Step(r.word(stepNames[:]))
	case fWrite:
		e.Write = r.id(f)
	case fAt:
		e.At = r.count(1)
	case fDeps:
		e.Deps = r.vector(e.Deps)
	case fOp:
		e.Op = Op(r.word(opNames[:]))
	case fAccount:
		e.Account = r.name(f)
	case fToAccount:
		e.ToAccount = r.name(f)
	case fToBranch:
		e.ToBranch = r.name(f)
	case fAmount:
		e.Amount = int64(r.count(1))
	case fBalance:
		e.Balance = KnownBalance(r.integer())
	case fToBalance:
		e.ToBalance = KnownBalance(r.integer())
	case fResult:
		e.Result = Result(r.word(resultNames[:]))
	case fSees:
		e.Sees = r.vector(e.Sees)
	case fAnswers:
		e.Answers = r.count(1)
	case fHas:
		has := r.has()
		*has = r.vector(*has)
	case fBalances:
		e.Balances = r.accounts(e.Balances)
	case fWall:
		e.Wall = r.integer()
	case fNote:
		e.Note = string(r.string("is not a string"))
	}
}

func (r *record) headerValue(f field) {
	switch h := &r.header; f {
	case fFormat:
		start := r.pos
		h.Format = string(r.string("is not a string"))
		if h.Format != Format && !isLaterFormat(h.Format) {
			r.wrong(start, "is not a format that this version reads")
		}
	case fProcess:
		h.Process = r.name(f)
	case fRole:
		h.Role = roleNames[r.word(roleNames[:])]
	case fIncarnation:
		h.Incarnation = r.count(1)
	case fMode:
		h.Mode = modeNames[r.word(modeNames[:])]
	case fPeers:
		h.Peers = r.list(h.Peers, f)
	case fOpening:
		h.Opening = r.accounts(h.Opening)
	case fFirst:
		h.First = r.count(1)
	case fEnds:
		h.Ends = r.yes()
	}
}

func (r *record) endValue(f field) {
	switch e := &r.end; f {
	case fProcess:
		e.Process = r.name(f)
	case fEnd:
		start := r.pos
		if !r.yes() {
			r.wrong(start, "is not true")
		}
	case fEvents:
		e.Events = r.count(0)
	case fClock:
		e.Clock = r.count(0)
	}
}
