package bench

import (
	"context"
	"fmt"

	"github.com/seed-8ff1fc32/bank-trace/branch/server"
)

// await waits until no branch lacks anything, and returns how they are then. Lacks returns the place of a branch that does
// and what it lacks, or -1.
func (k *bank) await(lacks func([]server.Status) (int, string)) ([]server.Status, error) {
	ctx, cancel := context.WithTimeout(k.serving, settleTime)
	defer cancel()
	for {
		changed := make([]<-chan struct{}, len(k.servers))
		statuses := make([]server.Status, len(k.servers))
		for i, s := range k.servers {
			changed[i] = s.Changed()
			status, err := s.Status(ctx)
			if err != nil {
				return nil, fmt.Errorf("wait for the branches: %w", err)
			}
			statuses[i] = status
		}
		late, why := lacks(statuses)
		if late < 0 {
			return statuses, nil
		}
		select {
		case <-changed[late]:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the branches: %w: %s", context.Cause(ctx), why)
		}
	}
}

// disconnected finds a branch that a peer's connection is missing at.
func disconnected(all []server.Status) (place int, why string) {
	for i, s := range all {
		for _, p := range s.Peers {
			if !p.Up {
				return i, fmt.Sprintf("%s has no connection to %s", s.Name, p.Name)
			}
		}
	}
	return -1, ""
}

// unsettled finds a branch that has not executed what another has, or not taken all that another sent to it.
func unsettled(all []server.Status) (place int, why string) {
	for i, s := range all {
		if s.Pending > 0 || !s.Executed.Equal(all[0].Executed) {
			return i, fmt.Sprintf("%s has executed %v and %s %v", s.Name, s.Executed, all[0].Name, all[0].Executed)
		}
		for _, from := range all {
			sent, _ := from.Peer(s.Name)
			taken, _ := s.Peer(from.Name)
			if sent.Sent != taken.Taken {
				return i, fmt.Sprintf("%s has taken %d of %d messages of %s", s.Name, taken.Taken, sent.Sent, from.Name)
			}
		}
	}
	return -1, ""
}
