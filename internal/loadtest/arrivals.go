package loadtest

import (
	"context"
	"sync"
	"time"
)

// arrivals hands an open loop's requests to its workers. One worker at a time
// waits for the next one to be due; the others wait for their turn, and the one
// that was busy last gets it first. So at a low rate few workers send, whose
// connections stay in use, where taking turns would let all of them go stale.
type arrivals struct {
	mu      sync.Mutex
	taken   bool            // some worker has the turn
	waiting []chan struct{} // workers, the one that came last at the end

	next     int64 // of the worker that has the turn: arrivals taken up …
	measured int64 // … and those of the measured part
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

// nextArrival takes up the next request of an open loop. Those whose worker
// comes only when the duration is over are dropped.
func (w *worker) nextArrival(ctx context.Context) (due time.Duration, ok bool) {
	t := w.test
	a := &t.arrivals
	a.takeTurn()
	defer a.passTurn()
	for {
		due = t.begin + time.Duration(float64(a.next)*float64(time.Second)/t.config.Rate)
		measured := t.figures.Measures(due)
		switch {
		case ctx.Err() != nil, t.stopped.Load(), t.over(due), measured && t.config.Requests > 0 && a.measured == int64(t.config.Requests):
			return 0, false
		}
		a.next++
		if measured {
			a.measured++
		}
		now := t.now()
		switch {
		case !measured && t.figures.Measures(now):
			continue // a backlog of the warm-up must not enter the measured part
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

// refreshAhead is how long before a request is due its connections are looked
// at: long enough for a handshake.
const refreshAhead = 500 * time.Millisecond

// refresh opens again the connections that may have gone stale by due, while
// there is time, so that no handshake is part of a request's latency.
func (w *worker) refresh(due time.Duration) {
	at := w.test.base.Add(due)
	for _, c := range w.conns {
		if now := time.Now(); now.Before(at) && c.nc != nil && !c.usable(at) {
			_ = c.connect(at, at) // the request will tell
		}
	}
}
