package measure_test

import (
	"bytes"
	"cmp"
	"net"
	"reflect"
	"slices"
	"testing"
	"time"

	"dummymessenger/internal/faulty"
	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/measure"
	"dummymessenger/internal/verify"
)

// A run and its history, read back, have the same figures: all but those that
// onlyLive takes out.
func TestStoredAsLive(t *testing.T) {
	const lossy = 1 // of faulty.Correct: some answers never come
	for name, test := range map[string]struct {
		server int
		dead   bool // one replica refuses all connections
		config loadtest.Config
	}{
		"correct": {0, false, loadtest.Config{Workers: 20, Requests: 3000}},
		"lossy":   {lossy, false, loadtest.Config{Workers: 20, Requests: 1000}},
		"failing": {lossy, true, loadtest.Config{Workers: 20, Requests: 1000}},
		"retried": {lossy, true, loadtest.Config{Workers: 20, Requests: 1000, Retries: 1, Replays: 5}},
		"bounded": {0, false, loadtest.Config{Workers: 20, Requests: 2000, Stream: true}},
		"senders": {0, false, loadtest.Config{Workers: 2, Requests: 20,
			Senders: []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"}}},
		"rate":     {0, false, loadtest.Config{Workers: 20, Requests: 500, Rate: 2000}},
		"overload": {0, false, loadtest.Config{Workers: 1, Requests: 500, Rate: 1e6}},
		"nothing":  {0, true, loadtest.Config{Workers: 1, Requests: 1, Seed: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			running, err := faulty.Correct[test.server].Start(1)
			if err != nil {
				t.Fatal(err)
			}
			defer running.Close()
			config := test.config
			config.URLs, config.Timeout, config.Trace = running.URLs, 10*time.Second, true
			if test.dead {
				ln, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				config.URLs = append(config.URLs, "http://"+ln.Addr().String())
				ln.Close()
			}
			load, err := loadtest.New(config)
			if err != nil {
				t.Fatal(err)
			}
			var file bytes.Buffer
			history := verify.NewRecorder(&file, load.VerifyConfig())
			live := load.Run(t.Context(), func(op *verify.Operation) { _ = history.Record(op) })
			if err := history.Close(); err != nil {
				t.Fatal(err)
			}

			recorder := measure.NewRecorder(measure.Config{Trace: true})
			_, cfg, err := verify.ReadHistory(&file, func(op *verify.Operation) { recorder.Add(op, op.Call) })
			if err != nil {
				t.Fatal(err)
			}
			stored := recorder.Stored(cfg)
			if since := stored.Started.Sub(live.Started); since < -time.Millisecond || since > time.Second {
				t.Errorf("the stored run started %v after the live one", since)
			}
			if live.Rate > 0 {
				live.Latency = *live.Service // what was due when is not stored
				for i := range live.Replicas {
					live.Replicas[i].Latency, stored.Replicas[i].Latency = measure.Latency{}, measure.Latency{}
				}
			}
			onlyLive(&live)
			onlyLive(&stored)
			if !reflect.DeepEqual(live, stored) {
				t.Errorf("live and stored figures differ:\n%+v\n%+v", live, stored)
			}
			if got, want := marks(recorder), marks(load.Figures()); !slices.Equal(got, want) {
				t.Errorf("%d operations would be drawn of the stored run, and %d others of the live one", len(got), len(want))
			}
			if name == "retried" && (live.Retried == 0 || live.Replayed == 0) || name == "failing" &&
				(live.Failed == 0 || live.Unknown == 0) {
				t.Errorf("the run was too kind to try what is compared: %+v", live)
			}
		})
	}
}

// onlyLive takes out what a history does not hold.
func onlyLive(r *measure.Run) {
	// What was asked, beside what the verdict depends on.
	r.Seed, r.Planned, r.Rate, r.Retries, r.Warmup, r.Duration, r.Timeout = 0, 0, 0, 0, 0, 0, 0
	r.Keys, r.Replays, r.Unverified, r.Profile, r.Token, r.Recorded = false, 0, false, "", false, nil
	// What only the client knew.
	r.Started, r.Late, r.Dropped, r.Unreplayed, r.Service = time.Time{}, 0, 0, 0, nil
	r.Generator = measure.Generator{Concurrency: r.Generator.Concurrency}
	for i := range r.Failures {
		r.Failures[i].First = ""
	}
	for i := range r.Replicas {
		r.Replicas[i].Servers = nil // who answered a try that did not give the outcome, too
	}
}

func marks(r *measure.Recorder) []measure.Mark {
	trace := r.Trace()
	all := slices.Concat(trace.Answered, trace.Unanswered)
	slices.SortFunc(all, func(a, b measure.Mark) int { return cmp.Or(a.Worker-b.Worker, a.Number-b.Number) })
	return all
}

// A history that somebody else has written may hold any time.
func TestAnyTime(t *testing.T) {
	const longest = time.Duration(1<<63 - 1)
	r := measure.NewRecorder(measure.Config{Trace: true})
	for i, at := range []time.Duration{-longest, -time.Hour, 0, time.Hour, longest} {
		r.Add(&verify.Operation{Number: i, Call: at, Return: at, Outcome: verify.OK}, at)
	}
	if run := r.Stored(verify.Config{Start: 1}); run.OK != 5 || len(r.Trace().Answered) != 5 {
		t.Errorf("%d answered, %d to be drawn; want 5 of each", run.OK, len(r.Trace().Answered))
	}
}

// Warm-up is what was due before the measured part, whenever it was sent.
func TestWarmup(t *testing.T) {
	r := measure.NewRecorder(measure.Config{Trace: true})
	r.MeasureFrom(time.Second)
	for i, due := range []time.Duration{0, time.Second - 1, time.Second, 2 * time.Second} {
		r.Add(&verify.Operation{Number: i, Sender: "a", Call: due + time.Second, Return: due + 2*time.Second, Outcome: verify.OK,
			Tries: 2}, due)
	}
	run := r.Run(measure.Run{})
	if run.OK != 2 || run.Latency.Count != 2 || run.Total != 2 || run.Late != 2 || run.Senders[0].OK != 2 || r.Snapshot().OK != 2 {
		t.Errorf("measured is %+v, want the last two operations only", run)
	}
	if trace := r.Trace(); len(trace.Answered) != 4 || run.Retried != 4 || trace.Waits.TotalCount() != 2 {
		t.Errorf("%d drawn, %d retries; want all four", len(trace.Answered), run.Retried)
	}
}
