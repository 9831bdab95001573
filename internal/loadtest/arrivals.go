package loadtest

import (
	"context"
	"sync"
	"time"
)

// arrivals hands an open loop's requests to its workers. One worker at a time
// waits until the next request is due. The others queue, and the one that was
// busy last goes first. So at a low rate a few workers send everything and keep
// their connections in use. If the workers took turns, all connections would go
// stale.
type arrivals struct {
	mu      sync.Mutex
	taken   bool            // a worker has the turn
	waiting []chan struct{} // workers, the latest last

	// Of the worker that has the turn.
	next     int64 // arrivals taken so far
	measured int64 // of those, in the measured part
}

func (a *arrivals) takeTurn() {
	a.mu.Lock()
	if !a.taken {
		a.taken = true
		a.mu.Unlock()
		return
	}
	turn := make(chan struct{})
	a.waiting = append(a.waiting, turn)
	a.mu.Unlock()
	<-turn
}

func (a *arrivals) passTurn() {
	a.mu.Lock()
	defer a.mu.Unlock()
	last := len(a.waiting) - 1
	if a.taken = last >= 0; a.taken {
		close(a.waiting[last])
		a.waiting = a.waiting[:last]
	}
}

// nextArrival waits until the next request of an open loop is due. Requests for
// which no worker was free before the end of the run are dropped.
func (w *worker) nextArrival(ctx context.Context) (due time.Duration, ok bool) {
	t := w.test
	a := &t.arrivals
	a.takeTurn()
	defer a.passTurn()
	for {
		due = t.begin + time.Duration(float64(a.next)*float64(time.Second)/t.config.Rate)
		measured := t.figures.Measures(due)
		switch {
		case ctx.Err() != nil, t.stopped.Load(), t.over(due),
			measured && t.config.Requests > 0 && a.measured == int64(t.config.Requests):
			return 0, false
		}
		a.next++
		if measured {
			a.measured++
		}
		now := t.now()
		switch {
		case !measured && t.figures.Measures(now):
			continue // the backlog of the warm-up must not enter the measured part
		case measured && t.over(now):
			t.dropped.Add(1)
			continue
		}
		if !sleep(ctx, due-now-refreshAhead) {
			return 0, false
		}
		if t.now() < due {
			w.refresh(due)
			if !sleep(ctx, due-t.now()) {
				return 0, false
			}
		}
		return due, true
	}
}

// refreshAhead is how long before a request is due its worker checks the
// connections: long enough for a handshake.
const refreshAhead = 500 * time.Millisecond

// refresh reopens connections that may be stale by due, so that no handshake is
// part of a request's latency.
func (w *worker) refresh(due time.Duration) {
	at := w.test.base.Add(due)
	for _, c := range w.conns {
		if now := time.Now(); now.Before(at) && c.nc != nil && !c.usable(at) {
			c.close()
			_ = c.connect(now, at) // if it fails, the request reports why
		}
	}
}
