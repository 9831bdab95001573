package groupcommit

import "dummymessenger/internal/messenger"

// deliver gives every waiter of a stored batch its outcome.
func deliver(enc encoder, batch []*waiter, appended messenger.Appended) {
	log := appended.Before
	for _, r := range appended.Results {
		if !r.Existed {
			log = append(log, r.Message)
		}
	}
	run := encode(enc, log)

	i := len(appended.Before)
	for j, r := range appended.Results {
		if r.Existed {
			batch[j].done <- outcome{stored: &r.Message}
			continue
		}
		batch[j].done <- outcome{answer: messenger.Answer{Seq: r.Seq, Messages: run.window(i)}}
		i++
	}
}

type encoder = func(dst []byte, m messenger.Message) []byte

// A run is a piece of the log in wire form. Neighbouring windows overlap in
// nine messages of ten, so each message is encoded once and every window is a
// slice of the same bytes.
type run struct {
	bytes  []byte // the messages, each with a comma behind it
	starts []int  // where each message begins in bytes; one more for the end
}

func encode(enc encoder, log []messenger.Message) run {
	r := run{starts: make([]int, 1, len(log)+1)}
	for _, m := range log {
		r.bytes = append(enc(r.bytes, m), ',')
		r.starts = append(r.starts, len(r.bytes))
	}
	return r
}

// window returns the wire form of up to WindowSize messages, of which the last is
// number i of the run. Its capacity is its length, so appending copies it.
func (r run) window(i int) []byte {
	from, to := r.starts[max(0, i+1-messenger.WindowSize)], r.starts[i+1]-1
	return r.bytes[from:to:to]
}
