// Package verify decides whether the answers of a run can be true together.
// It is pure: it reads no clock and no network, so that it judges a live run
// and a stored history alike.
package verify

import "time"

// An Outcome is what is known of a request when it has ended.
type Outcome uint8

const (
	Unknown Outcome = iota // may be stored or not: time-out, reset, 500, 504 …
	OK                     // answered with a window
	Failed                 // certainly not stored: refused, not sent, 4xx, 503 not_stored
)

// An Entry is one message as an answer showed it. Answers that show the same
// bytes share one Entry, so that most comparisons are of pointers; nobody
// changes an Entry once it is in an Operation.
type Entry struct {
	Seq         int64
	Sender      string
	SenderCount int64
	Text        string
	SentAt      int64 // microseconds since the Unix epoch
}

// An Operation is one request with all its tries.
type Operation struct {
	Worker  int // 0, 1, 2 …; a worker has one operation at a time
	Number  int // 0, 1, 2 … among this worker's; with the run's id it makes the nonce
	Replica int // index of the replica that gave the outcome
	Tries   int // 1 if nothing was retried

	Sender string
	Text   string // as it was sent, nonce included

	Call, Return time.Duration // monotonic, from the run's start

	Outcome Outcome
	Reason  string   // why it is not OK, in a few words that group well: "timeout", "status 503"
	Window  []*Entry // what an OK answer showed, oldest first
}
