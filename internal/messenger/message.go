// Package messenger is the contract: what a message is, which messages are
// accepted, how a call can fail, and what a store of them must guarantee.
package messenger

import "time"

// WindowSize is the most messages that one answer holds: the caller's own and
// the nine before it.
const WindowSize = 10

// ReplicaHeader is the header in which every answer says which replica it is from:
// INSTANCE; log=LOG, where INSTANCE identifies the process and LOG is the LogID.
const ReplicaHeader = "DummyMessenger-Replica"

// A Message is one entry of the log, as stored and as shown.
type Message struct {
	Seq         int64     // position in the log: 1, 2, 3 … without holes
	Sender      string    // 1–64 characters, NFC
	SenderCount int64     // position among this sender's messages: 1, 2, 3 …
	Text        string    // 1–4096 characters, byte for byte as it was sent
	SentAt      time.Time // UTC, whole microseconds; never decreases along Seq
}

// An Answer is what the caller of one append gets.
type Answer struct {
	Seq int64 // the caller's own message

	// Messages is the window that ends in Seq, ascending: every message
	// encoded by the server's encoder, joined by commas. Callers must not
	// change it: neighbouring answers share the memory.
	Messages []byte

	// Replayed says that an earlier request with the same idempotency key stored the
	// message.
	Replayed bool
}
