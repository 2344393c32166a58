package torture

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// echo answers every connection with what comes on it.
func echo(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				c.Close()
			}()
		}
	}()
	return l.Addr().String()
}

func newTestProxy(t *testing.T) *proxy {
	p, err := newProxy("branch-1", "branch-2", echo(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p
}

func dial(t *testing.T, p *proxy) net.Conn {
	c, err := net.Dial("tcp", p.address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// say sends a byte and reads one back, within a limit.
func say(c net.Conn, limit time.Duration) error {
	if err := c.SetDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	if _, err := c.Write([]byte{7}); err != nil {
		return err
	}
	_, err := io.ReadFull(c, make([]byte, 1))
	return err
}

func TestProxyCarriesAndCuts(t *testing.T) {
	p := newTestProxy(t)
	c := dial(t, p)
	if err := say(c, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if n := p.cut(); n != 1 {
		t.Errorf("cut broke %d connections, not 1", n)
	}
	if err := say(c, 10*time.Second); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a cut connection: %v", err)
	}
	if err := say(dial(t, p), 10*time.Second); err != nil {
		t.Errorf("a new connection after the cut: %v", err)
	}
}

func TestProxyRefusesUntilHealed(t *testing.T) {
	p := newTestProxy(t)
	p.refuse()
	c, err := net.Dial("tcp", p.address()) // broken now or a moment later
	if err == nil {
		defer c.Close()
		err = say(c, 10*time.Second)
	}
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a connection while the link refuses: %v", err)
	}
	p.heal()
	if err := say(dial(t, p), 10*time.Second); err != nil {
		t.Errorf("a connection after it was healed: %v", err)
	}
}

func TestProxyHoldsUntilHealed(t *testing.T) {
	for _, direction := range []int{forth, back} {
		p := newTestProxy(t)
		c := dial(t, p)
		if err := say(c, 10*time.Second); err != nil {
			t.Fatal(err)
		}
		p.hold(direction)
		if err := say(c, 50*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("direction %d: a byte while it is held up: %v", direction, err)
		}
		p.heal()
		if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			t.Errorf("direction %d: what was held up does not arrive: %v", direction, err)
		}
	}
}
