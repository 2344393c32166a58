package main

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"
)

// puts has callers put, each one after the other, and measures what ends within the window, which begins after warm. A put
// that is under way when the window ends is waited for.
func puts(ctx context.Context, c *cluster, callers int, warm, window time.Duration) (figures, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	each := make([]figures, callers)
	used := cpuTime()
	from := time.Now().Add(warm)
	for caller := range callers {
		all.Go(func() {
			if err := each[caller].put(ctx, c, caller, from, from.Add(window)); err != nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	used = cpuTime() - used
	if err := context.Cause(ctx); err != nil {
		return figures{}, err
	}
	sum := figures{Window: window, CPU: used}
	for i := range each {
		sum.Puts += each[i].Puts
		sum.Latencies = append(sum.Latencies, each[i].Latencies...)
	}
	if len(sum.Latencies) == 0 {
		return figures{}, errors.New("no put ended within the window; give it more time")
	}
	return sum, nil
}

func (f *figures) put(ctx context.Context, c *cluster, caller int, from, to time.Time) error {
	for begun := time.Now(); begun.Before(to); {
		if err := c.put(ctx, caller, strconv.Itoa(f.Puts)); err != nil {
			return err
		}
		f.Puts++
		ended := time.Now()
		if !ended.Before(from) && ended.Before(to) {
			f.Latencies = append(f.Latencies, ended.Sub(begun))
		}
		begun = ended
	}
	return nil
}
