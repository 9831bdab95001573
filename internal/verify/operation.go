package verify

import "time"

// An Outcome is what is known of a request when it has ended.
type Outcome uint8

const (
	Unknown Outcome = iota // may be stored or not: time-out, reset, 500, 504 …
	OK                     // answered with a window
	Failed                 // certainly not stored: refused, not sent, 4xx, 503 not_stored
)

var outcomeNames = [...]string{Unknown: "unknown", OK: "ok", Failed: "failed"}

func (o Outcome) String() string { return outcomeNames[o] }

// An Entry is one message as an answer showed it. Answers that show the same
// bytes share one Entry, so that most comparisons are of pointers. An
// Entry in an Operation must not be changed. A field that Config.Missing
// names is zero.
type Entry struct {
	Seq         int64  `json:"seq,omitzero"`
	Sender      string `json:"sender,omitzero"`
	SenderCount int64  `json:"sender_count,omitzero"`
	Text        string `json:"text,omitzero"`
	SentAt      int64  `json:"sent_at,omitzero"` // microseconds since the Unix epoch
}

// An Operation is one request with all its tries. Its JSON is its line of a
// stored history, but for the window: see operationLine.
type Operation struct {
	Worker  int `json:"worker"`  // 0, 1, 2 …; a worker has one operation at a time
	Number  int `json:"number"`  // 0, 1, 2 … among this worker's; with the run's id it makes the nonce
	Replica int `json:"replica"` // index of the replica that gave the outcome
	Tries   int `json:"tries"`   // 0 or 1 if nothing was retried

	// Sentinel marks an operation that is no part of the run's load: it was
	// sent after all others had ended, to show what became of the unknown ones.
	Sentinel bool `json:"sentinel,omitzero"`

	// Call and Return are monotonic, from the run's start.
	Call   time.Duration `json:"call"`
	Return time.Duration `json:"return"`

	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason,omitzero"` // why it is not OK, in a few words that group well: "timeout", "status 503"

	Sender string `json:"sender"`
	Text   string `json:"text"` // as it was sent, nonce included

	By *Identity `json:"by,omitzero"` // who gave the outcome; nil if the answer does not say

	Window []*Entry `json:"window"` // what an OK answer showed, oldest first

	Count int64 `json:"count,omitzero"` // the own message's sender_count, if Config.OwnCount

	// Replay is what the answer showed when the operation, answered already,
	// was sent once more under its idempotency key: just what Window shows, or
	// the key is not honoured. It is nil if that was not done.
	Replay []*Entry `json:"replay"`
}
