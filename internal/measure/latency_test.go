package measure

import (
	"math"
	"testing"
	"time"

	"dummymessenger/internal/verify"
)

// Exact samples and histograms come to the same figures within a histogram's precision.
func TestExactAndBounded(t *testing.T) {
	for _, bounded := range []bool{false, true} {
		r := NewRecorder(Config{Bounded: bounded})
		for i := range 2000 {
			d := time.Duration(i+1) * time.Millisecond / 10
			r.Add(&verify.Operation{Worker: i % 2, Replica: i % 2, Call: d, Return: 2 * d, Outcome: verify.OK}, 0)
		}
		run := r.Run(Run{Rate: 1, Replicas: make([]Replica, 2)})
		response, service, of := run.Latency, run.Service, run.Replicas
		near := func(name string, got, want float64) {
			if math.Abs(got-want) > want*0.002 {
				t.Errorf("bounded %t: %s = %v ms, want %v", bounded, name, got, want)
			}
		}
		near("min", service.Min, 0.1)
		near("mean", service.Mean, 100.05)
		near("p50", service.P50, 100)
		near("p90", service.P90, 180)
		near("p99", service.P99, 198)
		near("max", service.Max, 200)
		near("response p50", response.P50, 200)
		near("first replica's max", of[0].Latency.Max, 399.8)
		if service.Count != 2000 || of[1].Latency.Count != 1000 {
			t.Errorf("bounded %t: %d samples, %d of the second replica, want 2000 and 1000", bounded, service.Count, of[1].Latency.Count)
		}
		if service.P999 != 0 || of[0].Latency.P99 == 0 {
			t.Errorf("bounded %t: p99.9 of 2000 samples is %v, p99 of 1000 is %v; want none and one", bounded, service.P999,
				of[0].Latency.P99)
		}
		if exact := of[0].Latency.Max == 399.8; exact == bounded {
			t.Errorf("bounded %t: the first replica's max is %v", bounded, of[0].Latency.Max)
		}
	}
}

func TestFewSamples(t *testing.T) {
	for _, bounded := range []bool{false, true} {
		if got := NewRecorder(Config{Bounded: bounded}).Run(Run{}).Latency; got != (Latency{}) {
			t.Errorf("bounded %t: summary of nothing = %+v", bounded, got)
		}
	}
	r := NewRecorder(Config{})
	for i, d := range []time.Duration{3e6, 1e6, 2e6} {
		r.Add(&verify.Operation{Number: i, Return: d, Outcome: verify.OK}, 0)
	}
	if got, want := r.Run(Run{}).Latency, (Latency{Count: 3, Min: 1, Mean: 2, Max: 3}); got != want {
		t.Errorf("summary = %+v, want %+v", got, want)
	}
}

// A run of unknown length switches to histograms when it becomes long. No
// sample is lost or counted twice, even if a reader asks for figures meanwhile.
func TestLongRun(t *testing.T) {
	r := NewRecorder(Config{})
	const n = exactLimit + 1000
	for i := range n {
		r.Add(&verify.Operation{Worker: i % 3, Return: time.Duration(i%1000+1) * time.Millisecond, Outcome: verify.OK}, 0)
		if i%100_000 == 0 {
			r.Waits()
		}
	}
	got := r.Run(Run{}).Latency
	if got.Count != n || math.Abs(got.P50-500) > 1 || math.Abs(got.P999-999) > 1 || math.Abs(got.Mean-500.5) > 1 {
		t.Errorf("the latency of %d requests is %+v", n, got)
	}
	if p50, p99 := r.Waits(); p50 != got.P50 || p99 != got.P99 {
		t.Errorf("waits are %v and %v, want %v and %v", p50, p99, got.P50, got.P99)
	}
	if kept := cap(r.tally.responses.exact); kept > 2000 {
		t.Errorf("%d samples are kept", kept)
	}
}

// What recording costs a run, by turns of 50 workers at once.
func BenchmarkRecord(b *testing.B) {
	for _, bounded := range []bool{false, true} {
		b.Run(map[bool]string{false: "exact", true: "bounded"}[bounded], func(b *testing.B) {
			r := NewRecorder(Config{Bounded: bounded})
			senders := []string{"Анна", "Борис", "Мария Петрова", "Ёжик в тумане", "Дмитрий", "Alice", "Bob", "Grace Hopper",
				"O'Brien", "Linus"}
			done := make(chan bool)
			for worker := range 50 {
				go func() {
					for i := range b.N / 50 {
						op := &verify.Operation{
							Worker: worker, Number: i, Replica: i % 2, Sender: senders[i%10], Outcome: verify.OK,
							Call: time.Duration(i) * time.Millisecond, Return: time.Duration(i+4) * time.Millisecond,
						}
						r.Add(op, op.Call)
					}
					done <- true
				}()
			}
			for range 50 {
				<-done
			}
		})
	}
}
