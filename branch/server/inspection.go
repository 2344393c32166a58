package server

import (
	"context"

	"github.com/seed-8ff1fc32/bank-trace/branch/wire"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
)

// inspection is the service that tells what the branch knows. Nothing of it is an event.
type inspection struct {
	bankv1.UnimplementedInspectionServiceServer
	server *Server
}

// GetStatus answers with the Status.
func (i *inspection) GetStatus(ctx context.Context, _ *bankv1.GetStatusRequest) (*bankv1.GetStatusResponse, error) {
	s, err := i.server.Status(ctx)
	if err != nil {
		return nil, i.server.notAnswered(ctx)
	}
	m := &bankv1.GetStatusResponse{
		Process: s.Name, Clock: s.Clock, Events: s.Events,
		Executed: wire.EncodeVector(s.Executed), Held: wire.EncodeVector(s.Held),
		Pending: uint64(s.Pending), Waiting: uint64(s.Waiting), Recovering: s.Recovering,
	}
	for _, a := range s.Accounts {
		m.Accounts = append(m.Accounts, &bankv1.AccountBalance{Account: a.Account, Balance: a.Amount})
	}
	for _, p := range s.Peers {
		m.Peers = append(m.Peers, &bankv1.PeerStatus{Process: p.Name, Up: p.Up, Sent: p.Sent, Taken: p.Taken})
	}
	return m, nil
}
