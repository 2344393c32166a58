package client

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// The limits of a connection.
const (
	maxMessage     = 4 << 20  // bytes of one message
	maxHeaders     = 64 << 10 // bytes of a reply's headers or trailers, which hold the details of an error
	streamWindow   = 1 << 20  // bytes under way in one call; a fixed window needs no probing
	connWindow     = 4 << 20
	pingAfter      = 10 * time.Second // of silence while a call is under way
	pingTimeout    = 5 * time.Second
	connectTimeout = 5 * time.Second
)

// Conns are gRPC connections by address, one each, for any number of clients of one program. Connections are made when
// they are first used and made anew when they break.
type Conns struct {
	mu     sync.Mutex
	open   map[string]*grpc.ClientConn
	closed bool
	more   []grpc.DialOption
}

// NewConns returns connections that are made with the given options on top of the usual ones, which are plaintext, the
// limits of this package and no proxy.
func NewConns(more ...grpc.DialOption) *Conns {
	return &Conns{open: map[string]*grpc.ClientConn{}, more: more}
}

// To returns the connection to host:port. The error says that the address cannot be parsed, or wraps ErrClosed.
func (c *Conns) To(address string) (*grpc.ClientConn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, fmt.Errorf("connections: %w", ErrClosed)
	}
	if conn := c.open[address]; conn != nil {
		return conn, nil
	}
	options := append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy(),
		grpc.WithDisableServiceConfig(), grpc.WithDisableRetry(), // a request sent twice would be two send events
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
		grpc.WithMaxHeaderListSize(maxHeaders),
		grpc.WithStaticStreamWindowSize(streamWindow), grpc.WithStaticConnWindowSize(connWindow),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingAfter, Timeout: pingTimeout}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 2, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: connectTimeout,
		}),
	}, c.more...)
	conn, err := grpc.NewClient(address, options...)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w; give it as host:port", address, err)
	}
	c.open[address] = conn
	return conn, nil
}

// Close closes all connections. Calls under way fail.
func (c *Conns) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	var errs []error
	for _, conn := range c.open {
		errs = append(errs, conn.Close())
	}
	clear(c.open)
	return errors.Join(errs...)
}
