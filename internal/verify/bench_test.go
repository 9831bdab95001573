package verify

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

// longRun yields a correct run of n operations by 50 workers, each answered
// after the 50 that were called before it, without keeping it. Answers share
// their entries, as the client's do.
func longRun(cfg Config, n int, yield func(op *Operation, isCall bool)) {
	const workers = 50
	var (
		flying [workers]*Operation
		log    [64]*Entry // the newest
		counts = make(map[string]int64)
		window = make([]*Entry, 0, 10)
	)
	answer := func(i int) {
		op := flying[i%workers]
		seq := int64(i) + 1
		counts[op.Sender]++
		at := time.Duration(i+workers) * time.Microsecond
		log[seq%64] = &Entry{Seq: seq, Sender: op.Sender, SenderCount: counts[op.Sender], Text: op.Text,
			SentAt: cfg.Start + at.Microseconds()}
		window = window[:0]
		for s := max(1, seq-9); s <= seq; s++ {
			window = append(window, log[s%64])
		}
		op.Return, op.Window = at, window
		yield(op, false)
	}
	for i := range n + workers {
		if i >= workers {
			answer(i - workers)
		}
		if i < n {
			w := i % workers
			op := &Operation{
				Worker: w, Number: i / workers, Replica: i % 2, Tries: 1, Sender: cfg.Senders[i%len(cfg.Senders)], Outcome: OK,
				Text: "Съешь ещё этих мягких французских булок, да выпей чаю 🍵 " + Nonce{cfg.Run, w, i / workers}.String(),
				Call: time.Duration(i) * time.Microsecond,
			}
			flying[w] = op
			yield(op, true)
		}
	}
}

func longConfig() Config {
	cfg := Config{Run: "long", Workers: 50, Replicas: []string{"a", "b"}, Start: start}
	for i := range 10 {
		cfg.Senders = append(cfg.Senders, fmt.Sprintf("Отправитель %d", i))
	}
	return cfg
}

// BenchmarkVerify measures all checks of a run, verdict included; the time to
// make up the run is in it too. It reports the bytes that stay per operation.
func BenchmarkVerify(b *testing.B) {
	for _, n := range []int{5_000, 1_000_000} {
		for _, stream := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d/stream=%v", n, stream), func(b *testing.B) {
				cfg := longConfig()
				cfg.Stream = stream
				for b.Loop() {
					before := liveBytes()
					v := New(cfg)
					longRun(cfg, n, func(op *Operation, isCall bool) {
						if isCall {
							v.Call(op)
						} else {
							v.Return(op)
						}
					})
					b.ReportMetric(float64(liveBytes()-before)/float64(n), "bytes/operation")
					if d := v.Verdict(); d.Status != Verified {
						b.Fatalf("%v %v %v", d.Status, d.Reasons, d.CounterExample)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/operation")
			})
		}
	}
}

// BenchmarkOperation measures what the checks of a run add to one request:
// Call and Return, by concurrent workers.
func BenchmarkOperation(b *testing.B) {
	cfg := longConfig()
	var events []event
	longRun(cfg, 20_000, func(op *Operation, isCall bool) {
		kept := *op
		kept.Window = append([]*Entry(nil), op.Window...)
		events = append(events, event{&kept, isCall})
	})
	b.ResetTimer()
	for i := 0; i < b.N; {
		v := New(cfg)
		for _, e := range events {
			if e.isCall {
				v.Call(e.op)
			} else {
				v.Return(e.op)
				i++
			}
		}
	}
}

func liveBytes() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// The memory of a streamed run, or of reading its history, does not grow with it.
func TestStreamedMemoryIsBounded(t *testing.T) {
	n := 200_000
	if testing.Short() {
		n = 50_000
	}
	cfg := longConfig()
	cfg.Stream = true
	live, stored := New(cfg), New(cfg)
	var half, returned int
	longRun(cfg, n, func(op *Operation, isCall bool) {
		if isCall {
			live.Call(op)
			return
		}
		stored.Return(op)
		live.Return(op)
		if returned++; returned == n/2 {
			half = len(live.log.cells.pages)
		}
		if returned%sweepEvery == 0 {
			stored.setFloor(live.Floor())
		}
	})
	for name, v := range map[string]*Verifier{"live": live, "stored": stored} {
		pages := 0
		for _, w := range v.ops.workers {
			pages += len(w.ops.pages)
		}
		if got := len(v.log.cells.pages); got > half+64 || got > 2*recentSize/pageSize {
			t.Errorf("%s: %d pages of the log at the end, %d half way", name, got, half)
		}
		if limit := 50 * (recentSize/50/pageSize + 4); pages > limit {
			t.Errorf("%s: %d pages of operations at the end, want at most %d", name, pages, limit)
		}
		if len(v.acks.steps) > 4*recentSize {
			t.Errorf("%s: %d steps", name, len(v.acks.steps))
		}
		if d := v.Verdict(); d.Status != Verified || d.Counts.OK != int64(n) {
			t.Errorf("%s: %v %v %v %+v", name, d.Status, d.Reasons, d.CounterExample, d.Counts)
		}
	}
}

// An operation takes as much memory as the package's documentation says.
func TestBytesPerOperation(t *testing.T) {
	const n, limit = 100_000, 56 + 56 + 2*24 + 24 // the tables, steps with room to grow, and the newest texts
	cfg := longConfig()
	v := New(cfg)
	before := liveBytes()
	longRun(cfg, n, func(op *Operation, isCall bool) {
		if !isCall {
			v.Return(op)
		}
	})
	per := (liveBytes() - before) / n
	runtime.KeepAlive(v)
	t.Logf("%d bytes per operation", per)
	if per > limit {
		t.Errorf("%d bytes per operation, want at most %d", per, limit)
	}
}
