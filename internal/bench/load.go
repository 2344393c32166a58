package bench

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// ErrNoCalls says that a cell's time was too short for a single call to end within it.
var ErrNoCalls = errors.New("no call ended within the measured time; give it more")

// sample is what one cell measured.
type sample struct {
	rate     float64       // calls a second that ended within the window
	p50, p99 time.Duration // of their latencies, by nearest rank
	calls    int
	cpu      time.Duration // of the whole process for one call, those outside the window included; 0 where it is not known
}

// newSample sums up the latencies of the calls that ended within the window. It sorts them. The error is ErrNoCalls.
func newSample(latencies []time.Duration, window time.Duration) (sample, error) {
	if len(latencies) == 0 {
		return sample{}, ErrNoCalls
	}
	slices.Sort(latencies)
	return sample{
		rate: float64(len(latencies)) / window.Seconds(), calls: len(latencies),
		p50: percentile(latencies, 50), p99: percentile(latencies, 99),
	}, nil
}

// percentile returns the least of the sorted values that p percent of them do not exceed.
func percentile(sorted []time.Duration, p int) time.Duration {
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}

// load has callers make calls, each one after the other, and measures those that end within the cell's window. It returns
// when no call is under way, with the number of calls that each caller made, those outside the window included. The first
// failure ends it.
func load(ctx context.Context, c cell, call func(ctx context.Context, caller int) error) (_ sample, made []int, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop, err := profiled(c.profile)
	if err != nil {
		return sample{}, nil, err
	}
	used := cpuTime()
	from := time.Now().Add(c.warm)
	made = make([]int, c.callers)
	each := make([][]time.Duration, c.callers)
	var all sync.WaitGroup
	for caller := range c.callers {
		all.Go(func() {
			latencies, n, err := callOn(ctx, from, from.Add(c.window), func() error { return call(ctx, caller) })
			each[caller], made[caller] = latencies, n
			if err != nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	used = cpuTime() - used
	if err := errors.Join(context.Cause(ctx), stop()); err != nil {
		return sample{}, nil, err
	}
	s, err := newSample(slices.Concat(each...), c.window)
	s.cpu = perCall(used, made...)
	return s, made, err
}

func perCall(used time.Duration, made ...int) time.Duration {
	calls := 0
	for _, n := range made {
		calls += n
	}
	return used / time.Duration(max(calls, 1))
}

// callOn makes one call after the other until the window ends, and returns the latencies of those that ended within it and
// how many there were in all.
func callOn(ctx context.Context, from, to time.Time, call func() error) (within []time.Duration, made int, err error) {
	for begun := time.Now(); begun.Before(to); {
		if err := call(); err != nil {
			return nil, made, err
		}
		made++
		ended := time.Now()
		if !ended.Before(from) && ended.Before(to) {
			within = append(within, ended.Sub(begun))
		}
		begun = ended
	}
	return within, made, ctx.Err()
}
