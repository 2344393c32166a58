package bench

import (
	"context"
	"errors"
	"fmt"
	"net"

	"google.golang.org/grpc"

	"github.com/seed-8ff1fc32/bank-trace/customer/client"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
)

// What a branch's server and its are given: they decide what a call costs that does nothing.
const (
	maxStreams   = 4096
	streamWindow = 1 << 20
	connWindow   = 4 << 20
)

// echoSide is plain gRPC: the bank's own messages and a customer's own connections, one to each of three servers, with
// nothing behind them. The callers are not customers: they keep no session and record nothing.
type echoSide struct{}

// echo answers every deposit with the same reply.
type echo struct {
	bankv1.UnimplementedBankServiceServer
}

func (echo) Deposit(_ context.Context, m *bankv1.DepositRequest) (*bankv1.DepositResponse, error) {
	return &bankv1.DepositResponse{Reply: &bankv1.Reply{
		Stamp: m.Call.Stamp, Result: bankv1.Result_RESULT_OK, Balance: &m.Amount, Sees: m.Call.Token,
	}}, nil
}

func (echoSide) measure(ctx context.Context, c cell) (_ sample, err error) {
	conns := client.NewConns(grpc.WithDefaultCallOptions(grpc.WaitForReady(true)))
	defer func() { err = errors.Join(err, conns.Close()) }()
	var stubs []bankv1.BankServiceClient
	for range Branches {
		address, stop, err := serveEcho(ctx)
		if err != nil {
			return sample{}, err
		}
		defer stop()
		conn, err := conns.To(address)
		if err != nil {
			return sample{}, err
		}
		stubs = append(stubs, bankv1.NewBankServiceClient(conn))
	}
	token := &bankv1.Vector{}
	for i := range Branches {
		token.Entries = append(token.Entries, &bankv1.VectorEntry{Origin: branchName(i), N: 1000})
	}
	sent := make([]uint64, c.callers)
	s, _, err := load(ctx, c, func(ctx context.Context, caller int) error {
		sent[caller]++
		n := sent[caller]
		r, err := stubs[caller%Branches].Deposit(ctx, &bankv1.DepositRequest{
			Call:    &bankv1.Call{Stamp: &bankv1.Stamp{Process: customerName(caller), Seq: n, Clock: n}, N: n, Token: token},
			Account: account, Amount: amount,
		})
		if err == nil && r.GetReply().GetStamp().GetSeq() != n {
			err = fmt.Errorf("call %d of %s was answered with %v", n, customerName(caller), r)
		}
		return err
	})
	return s, err
}

// serveEcho starts a server. Stop ends it.
func serveEcho(ctx context.Context) (address string, stop func(), err error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	g := grpc.NewServer(grpc.MaxConcurrentStreams(maxStreams), grpc.WaitForHandlers(true),
		grpc.StaticStreamWindowSize(streamWindow), grpc.StaticConnWindowSize(connWindow))
	bankv1.RegisterBankServiceServer(g, echo{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = g.Serve(l) // a server that ends early fails the calls
	}()
	return l.Addr().String(), func() {
		g.Stop()
		<-ended
	}, nil
}
