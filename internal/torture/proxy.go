package torture

import (
	"net"
	"sync"
)

// proxy carries the connections from one branch to another, and breaks them when it is told to.
type proxy struct {
	from, to string // names of the branches
	target   string
	listener net.Listener
	work     sync.WaitGroup

	mu      sync.Mutex
	conns   map[*tunnel]struct{}
	refuses bool
	gates   [2]chan struct{} // by direction; nil while bytes flow, else closed when they may again
	carried int64            // bytes
	closed  bool
}

// The directions of a connection.
const (
	forth = iota // from the branch that dials
	back
)

// tunnel is a connection and the one that it is carried on by.
type tunnel struct{ near, far net.Conn }

// newProxy listens at a free port of this machine and carries what comes there to target.
func newProxy(from, to, target string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{from: from, to: to, target: target, listener: l, conns: map[*tunnel]struct{}{}}
	p.work.Go(p.accept)
	return p, nil
}

func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		p.work.Go(func() { p.carry(near) })
	}
}

// carry carries a connection until one of its ends closes it or it is cut.
func (p *proxy) carry(near net.Conn) {
	if p.refusing() {
		drop(near)
		return
	}
	far, err := net.Dial("tcp", p.target)
	if err != nil {
		drop(near)
		return
	}
	t := &tunnel{near, far}
	p.mu.Lock()
	if p.refuses || p.closed {
		p.mu.Unlock()
		t.cut()
		return
	}
	p.conns[t] = struct{}{}
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { p.pump(t, forth) })
	both.Go(func() { p.pump(t, back) })
	both.Wait()
	p.mu.Lock()
	delete(p.conns, t)
	p.mu.Unlock()
}

// pump carries bytes one way. When either way ends, so does the connection.
func (p *proxy) pump(t *tunnel, direction int) {
	defer t.cut()
	from, to := t.near, t.far
	if direction == back {
		from, to = to, from
	}
	buffer := make([]byte, 16<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			p.pass(direction)
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
			p.mu.Lock()
			p.carried += int64(n)
			p.mu.Unlock()
		}
		if err != nil {
			return
		}
	}
}

// pass waits until bytes may flow.
func (p *proxy) pass(direction int) {
	for {
		p.mu.Lock()
		gate := p.gates[direction]
		p.mu.Unlock()
		if gate == nil {
			return
		}
		<-gate
	}
}

func (p *proxy) refusing() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refuses || p.closed
}

// cut breaks all connections and returns how many that were. What is held back is lost. The branch may connect anew.
func (p *proxy) cut() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cutAll()
}

func (p *proxy) cutAll() int {
	for t := range p.conns {
		t.cut()
	}
	return len(p.conns)
}

// refuse breaks all connections, and those that are made, until heal. It returns how many it broke at once.
func (p *proxy) refuse() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuses = true
	return p.cutAll()
}

// hold holds back what goes one way until heal; connections stay, and new ones too are silent that way.
func (p *proxy) hold(direction int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gates[direction] == nil && !p.closed {
		p.gates[direction] = make(chan struct{})
	}
}

// heal makes the link whole: what was held back goes on.
func (p *proxy) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuses = false
	p.release()
}

func (p *proxy) release() {
	for i, gate := range p.gates {
		if gate != nil {
			close(gate)
			p.gates[i] = nil
		}
	}
}

// close ends the proxy, and waits for its goroutines.
func (p *proxy) close() {
	p.mu.Lock()
	p.closed = true
	p.cutAll()
	p.release()
	p.mu.Unlock()
	_ = p.listener.Close()
	p.work.Wait()
}

// cut breaks both connections.
func (t *tunnel) cut() {
	drop(t.near)
	drop(t.far)
}

// drop breaks a connection so that what is under way on it is lost.
func drop(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
