package trace

// maxName is the longest name of a process or an account, in bytes.
const maxName = 255

// names keeps one string for each name that a log repeats, so that reading an event allocates nothing. It forgets all
// once it holds mostNames: a log may have any number of accounts.
type names struct {
	known map[string]string
	last  [fieldCount]string // the latest name in each field: most often it comes again
}

const mostNames = 1 << 16

func (n *names) get(b []byte, f field) string {
	if n.last[f] == string(b) {
		return n.last[f]
	}
	s, ok := n.known[string(b)]
	if !ok {
		if len(n.known) >= mostNames || n.known == nil {
			n.known = make(map[string]string)
		}
		s = string(b)
		n.known[s] = s
	}
	n.last[f] = s
	return s
}
