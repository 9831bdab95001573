package main

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// seen is what each watcher got.
var seen = figure{"seen by a watcher", "MB/s"}

// watched compares a log while clients watch it, as the page does, with the
// same log unwatched.
func (b *bench) watched() []wanted {
	s := b.ours("nobody watches", 2)
	alone := b.workers(s, 50)
	watched := &contender{name: "one watcher at each replica", on: s, run: func(ctx context.Context) (sample, error) {
		watching, stop := context.WithCancel(ctx)
		var bytes atomic.Int64
		var watchers sync.WaitGroup
		defer watchers.Wait()
		defer stop()
		for _, url := range s.urls {
			events, err := get(watching, url+"/events")
			if err != nil {
				return nil, err
			}
			watchers.Go(func() {
				defer events.Body.Close()
				n, _ := io.Copy(io.Discard, events.Body) // ends with watching
				bytes.Add(n)
			})
		}
		start := time.Now()
		measured, err := alone.run(ctx)
		took := time.Since(start)
		stop()
		watchers.Wait()
		if err == nil && bytes.Load() == 0 {
			err = errors.New("the watchers saw nothing")
		}
		if err != nil {
			return nil, err
		}
		measured[seen] = float64(bytes.Load()) / float64(len(s.urls)) / took.Seconds() / 1e6
		return measured, nil
	}}
	return []wanted{
		b.compareTo("50 workers, 2 replicas", watched, alone, target{}),
		{"the same: what each watcher got", seen, watched, nil, target{}},
	}
}
