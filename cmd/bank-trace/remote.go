package main

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"

	"github.com/seed-8ff1fc32/bank-trace/branch/server"
	"github.com/seed-8ff1fc32/bank-trace/branch/wire"
	"github.com/seed-8ff1fc32/bank-trace/customer/client"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// remote is a branch in another process, as its InspectionService shows it.
type remote struct {
	service bankv1.InspectionServiceClient
}

func newRemote(conns *client.Conns, address string) (*remote, error) {
	conn, err := conns.To(address)
	if err != nil {
		return nil, err
	}
	return &remote{bankv1.NewInspectionServiceClient(conn)}, nil
}

// Status asks the branch what it knows. A branch that is being started is waited for as long as ctx allows.
func (r *remote) Status(ctx context.Context) (server.Status, error) {
	m, err := r.service.GetStatus(ctx, &bankv1.GetStatusRequest{}, grpc.WaitForReady(true))
	if err != nil {
		return server.Status{}, err
	}
	s := server.Status{
		Name: m.Process, Clock: m.Clock, Events: m.Events,
		Pending: int(m.Pending), Waiting: int(m.Waiting), Recovering: m.Recovering,
	}
	if s.Executed, err = wire.DecodeVector(m.Executed); err != nil {
		return s, fmt.Errorf("status of %q: executed: %w", m.Process, err)
	}
	if s.Held, err = wire.DecodeVector(m.Held); err != nil {
		return s, fmt.Errorf("status of %q: held: %w", m.Process, err)
	}
	for _, a := range m.Accounts {
		s.Accounts = append(s.Accounts, trace.AccountBalance{Account: a.Account, Amount: a.Balance})
	}
	for _, p := range m.Peers {
		s.Peers = append(s.Peers, server.PeerStatus{Name: p.Process, Up: p.Up, Sent: p.Sent, Taken: p.Taken})
	}
	return s, nil
}

// pollInterval is how often a branch in another process is asked whether something has changed.
const pollInterval = 20 * time.Millisecond

// Changed returns a channel that is closed when it is time to look at Status again.
func (r *remote) Changed() <-chan struct{} {
	soon := make(chan struct{})
	time.AfterFunc(pollInterval, func() { close(soon) })
	return soon
}
