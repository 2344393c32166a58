package convert

import (
	"regexp"
	"strings"
)

// phase is what of a message's way an interface's suffix names.
type phase uint8

const (
	phaseNone    phase = iota // deposit
	phaseRequest              // deposit_request
	phaseExecute              // deposit_execute
	phaseResponse
)

// courseOp is what an interface, or a name of the older form, says: propagate_deposit, deposit_broadcast_request.
type courseOp struct {
	base      string // deposit, withdraw, query or transfer
	propagate bool
	phase     phase
}

func (o courseOp) String() string {
	s := o.base
	if o.propagate {
		s = "propagate_" + s
	}
	return s + [...]string{"", "_request", "_execute", "_response"}[o.phase]
}

// parseCourseOp reads the words of an interface, in any order. Odd is a misspelt word that was taken as meant.
func parseCourseOp(s string) (op courseOp, odd string, ok bool) {
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == '_' || r == '-' || r == ' ' || r == '.' })
	phases := 0
	for _, w := range words {
		p := phaseNone
		switch w {
		case "deposit", "withdraw", "query", "transfer": // transfer is ours: run --course writes it
			if op.base != "" {
				return op, "", false
			}
			op.base = w
		case "propagate", "propogate", "broadcast", "broardcast":
			if op.propagate {
				return op, "", false
			}
			op.propagate = true
		case "request", "reqeust":
			p = phaseRequest
		case "execute", "excute":
			p = phaseExecute
		case "response", "rseponse":
			p = phaseResponse
		default:
			return op, "", false
		}
		switch w {
		case "broardcast", "reqeust", "excute", "rseponse": // met in published logs
			odd = w
		}
		if p != phaseNone {
			op.phase = p
			phases++
		}
	}
	return op, odd, op.base != "" && phases <= 1
}

// direction is what a comment says that the entry is.
type direction uint8

const (
	dirNone   direction = iota
	dirTo               // event_sent to X
	dirSentBy           // event_sent from X: X is the sender
	dirFrom             // event_recv from X
)

var courseComment = regexp.MustCompile(`(?i)^\s*event[_ -]*(sent|send|recv|received)[_ ]+(to|from)[_ ]+(customer|client|branch|bank)[_ -]*([0-9]{1,15})\s*\.?\s*$`)

// parseCourseComment reads "event_recv from branch 3" as dirFrom, branch-3.
func parseCourseComment(s string) (direction, string, bool) {
	if len(s) > 200 {
		return dirNone, "", false
	}
	m := courseComment.FindStringSubmatch(s)
	if m == nil {
		return dirNone, "", false
	}
	role, _ := courseRole(m[3])
	peer := processName(role, strings.TrimLeft(m[4], "0"))
	switch verb := strings.ToLower(m[1][:1]); {
	case verb == "s" && strings.EqualFold(m[2], "to"):
		return dirTo, peer, true
	case verb == "s":
		return dirSentBy, peer, true
	case strings.EqualFold(m[2], "from"):
		return dirFrom, peer, true
	}
	return dirNone, "", false
}

// courseRole reads a type; the course's oldest files say client and bank.
func courseRole(s string) (role string, ok bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "customer", "client":
		return "customer", true
	case "branch", "bank":
		return "branch", true
	}
	return "", false
}

func processName(role, number string) string {
	if number == "" {
		number = "0"
	}
	return role + "-" + number
}

// spoken is how the course's comments name a process: branch-3 is branch 3.
func spoken(process string) string { return strings.Replace(process, "-", " ", 1) }

func isCustomer(process string) bool { return strings.HasPrefix(process, "customer-") }
