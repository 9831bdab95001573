package verify

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// Workers that run at the same time, against a log in memory: correct, and so
// found to be, with the race detector watching.
func TestConcurrentWorkers(t *testing.T) {
	for _, stream := range []bool{false, true} {
		s := newSimulation(1, 50, 0)
		s.cfg.Start = time.Now().UnixMicro()
		s.cfg.Stream = stream
		v := New(s.cfg)
		began := time.Now()
		var mu sync.Mutex
		var workers sync.WaitGroup
		for w := range 50 {
			workers.Go(func() {
				for n := range 100 {
					op := &Operation{Worker: w, Number: n, Replica: rand.IntN(2), Sender: s.cfg.Senders[rand.IntN(10)], Outcome: OK}
					op.Text = Nonce{s.cfg.Run, w, n}.String()
					op.Call = time.Since(began)
					v.Call(op)
					mu.Lock()
					e := s.append(op.Sender, op.Text, 0)
					e.SentAt = s.cfg.Start + time.Since(began).Microseconds()
					op.Window = s.window(e.Seq)
					mu.Unlock()
					op.Return = time.Since(began)
					v.Return(op)
					v.Live()
				}
			})
		}
		workers.Wait()
		d := v.Verdict()
		if d.Status == Violated || d.Counts.OK != 5000 {
			t.Errorf("stream %v: %v, %+v\n%v", stream, d.Status, d.Counts, d.CounterExample)
		}
	}
}
