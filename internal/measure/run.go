// Package measure adds up what a load test measured: of the run that goes on,
// and of one whose history is read back. It is pure: it reads no clock, no file
// and no network.
package measure

import (
	"time"

	"dummymessenger/internal/verify"
)

// A Run is what a load test measured. With warm-up requests left out, and
// sentinels too, everything counts the same requests: Sent = OK + Failed +
// Unknown.
type Run struct {
	ID      string    `json:"id"`      // part of each text's nonce; different in every run
	Seed    uint64    `json:"seed"`    // repeats the choices of sender, text and replica
	Started time.Time `json:"started"` // UTC

	Workers int     `json:"workers"`           // the most requests under way at once
	Planned int64   `json:"planned,omitzero"`  // requests to send; absent if the run was limited by time
	Rate    float64 `json:"rate,omitzero"`     // requests per second offered; absent in a closed loop
	Retries int     `json:"retries,omitzero"`  // allowed for each request
	Warmup  float64 `json:"warmup_s,omitzero"` // seconds before the measured part

	Duration       float64  `json:"duration_s,omitzero"`        // seconds to send for; absent if the run was limited by number only
	Timeout        float64  `json:"timeout_s,omitzero"`         // seconds, of each try; older clients' results lack these fields
	Keys           bool     `json:"keys,omitzero"`              // every request had an idempotency key
	Replays        int      `json:"replays,omitzero"`           // with Keys: one in so many answered requests was to be sent once more
	Unverified     bool     `json:"unverified,omitzero"`        // answers were only counted
	Stream         bool     `json:"stream,omitzero"`            // memory was bounded
	ClockAllowance float64  `json:"clock_allowance_s,omitzero"` // how far the servers' clock might be off, in seconds
	Profile        string   `json:"profile,omitzero"`           // method, path and fingerprint of a foreign wire shape
	Texts          string   `json:"texts,omitzero"`             // what texts were sent, "plain" for instance; absent if any
	MaxText        int      `json:"max_text,omitzero"`          // the longest, in characters; absent if that was our server's limit
	Token          bool     `json:"token,omitzero"`             // a bearer token was sent
	Recorded       []string `json:"recorded,omitempty"`         // the flags that had each request recorded

	Interrupted bool `json:"interrupted,omitzero"` // stopped by a signal before the plan was fulfilled

	GaveUp bool `json:"gave_up,omitzero"` // stopped since none of the first answers could be read

	Sent    int64 `json:"sent"`
	OK      int64 `json:"ok"`
	Failed  int64 `json:"failed"`  // certainly not stored
	Unknown int64 `json:"unknown"` // no good answer; may be stored
	Retried int64 `json:"retried,omitzero"`

	// Replayed are answered requests that were sent once more under their
	// idempotency key and answered again, in order to compare the answers;
	// Unreplayed those that got no good answer then. Neither is in any other figure.
	Replayed   int64 `json:"replayed,omitzero"`
	Unreplayed int64 `json:"unreplayed,omitzero"`

	Total      float64 `json:"total_s"`          // from the first request sent to the last answer
	Throughput float64 `json:"throughput_per_s"` // OK ÷ Total

	// Latency is what the callers of OK requests waited, all tries of one
	// together. With a Rate it counts from the moment the request should have
	// been sent, and Service from the moment it was.
	Latency Latency  `json:"latency"`
	Service *Latency `json:"service,omitzero"`

	// Refused is how long requests that failed, and so were certainly not
	// stored, took from when they were sent; absent if there are none.
	Refused *Latency `json:"refused,omitzero"`

	Late    int64 `json:"late,omitzero"`    // with a Rate: sent over 1 ms after their time, all workers being busy
	Dropped int64 `json:"dropped,omitzero"` // with a Rate: never sent, as their time ran out in the queue

	Replicas  []Replica `json:"replicas"`
	Senders   []Sender  `json:"senders,omitempty"` // all, answered or not
	Failures  []Failure `json:"failures,omitzero"` // most frequent first
	Generator Generator `json:"generator"`
}

// A Replica is one server's part of a Run. A request that was tried at several
// is counted where its outcome came from.
type Replica struct {
	URL string `json:"url"`

	// Servers are who answered there, as servers that say so call themselves:
	// several behind a load balancer, or after a restart.
	Servers []verify.Identity `json:"servers,omitempty"`

	OK         int64   `json:"ok"`
	Failed     int64   `json:"failed"`
	Unknown    int64   `json:"unknown"`
	Throughput float64 `json:"throughput_per_s"`
	Latency    Latency `json:"latency"`
}

// A Sender is one sender's part of a Run.
type Sender struct {
	Name string `json:"name"`
	OK   int64  `json:"ok"`
}

// A Failure is a kind of answer that was not good.
type Failure struct {
	Outcome string `json:"outcome"` // "failed" or "unknown"
	Reason  string `json:"reason"`
	Count   int64  `json:"count"`
	First   string `json:"first,omitzero"` // what was wrong with the first one, and what it was

	// Senders are those to whom it happened, if they are few of all and it happened often.
	Senders []string `json:"senders,omitempty"`
}

// A Latency sums up how long requests took, in milliseconds. A percentile is
// absent unless at least ten samples lie beyond it: it would be an accident.
type Latency struct {
	Count int64   `json:"count"`
	Min   float64 `json:"min_ms"`
	Mean  float64 `json:"mean_ms"`
	P50   float64 `json:"p50_ms,omitzero"`
	P90   float64 `json:"p90_ms,omitzero"`
	P95   float64 `json:"p95_ms,omitzero"`
	P99   float64 `json:"p99_ms,omitzero"`
	P999  float64 `json:"p999_ms,omitzero"`
	Max   float64 `json:"max_ms"`
}

// A Generator is the client's own load, which shows whether the client limited
// the run.
type Generator struct {
	// Concurrency is throughput × mean service time: by Little's law the mean
	// number of requests under way. Far below Workers, in a closed loop, the
	// client was busy with itself.
	Concurrency float64 `json:"concurrency"`
	CPU         float64 `json:"cpu"`         // processors that this process kept busy, on average
	CPUs        int     `json:"cpus"`        // processors that it may use
	Connections int64   `json:"connections"` // opened in all, before and during the measured part
}

// PerRequest is the total time for each answered request, in milliseconds: requests
// that fail at once make nothing faster.
func (r *Run) PerRequest() float64 {
	if r.OK == 0 {
		return 0
	}
	return r.Total * 1000 / float64(r.OK)
}
