package messenger

import "context"

// A Store is a log of messages in a database that any number of replicas
// share, each through a Store of its own.
//
// The log's guarantees hold between all of them and are kept by the database:
// seq runs 1, 2, 3 …; per sender, sender_count runs 1, 2, 3 … in the order of
// seq; sent_at comes from one clock and never decreases along seq; an ID is in
// the log at most once. What Append has returned survives a power cut, and so
// does every message it has shown.
//
// A log that is no longer the one that was opened, or that lacks a message that
// this Store has seen, is neither written nor shown until it is back: every call
// returns an *Error of kind Unwritable or Unavailable, and the cause is logged.
type Store interface {
	// Append stores one batch in one transaction.
	//
	// It waits for the log's lock first and only then calls take, once, so that
	// whatever arrived during the wait rides along. take's drafts are valid
	// (NewDraft) and have distinct IDs; they are stored in their order. A draft
	// that MayExist and whose ID is in the log is not stored again: its result
	// is the message that is there, which may differ from the draft. If take
	// returns no draft, Append stores nothing and returns no results.
	//
	// Only one call may run at a time.
	//
	// An error is always an *Error of kind Unavailable or Unwritable, after
	// which none of the batch is or will be stored, or of kind Unknown, after
	// which all of it may be, or none. If take was not called, the kind is never
	// Unknown. An Error has a Cause where one fits, Err for the log, and no Detail.
	// The same call may succeed later: Append reconnects by itself. When ctx ends,
	// Append returns soon, with an error if the batch was not committed.
	Append(ctx context.Context, take func() []Draft) (Appended, error)

	// Read returns up to limit durable messages in ascending order, from the
	// one after seq after on. It may be called at any time and does not wait
	// for the log's lock.
	Read(ctx context.Context, after int64, limit int) ([]Message, error)

	// Head is the seq of the newest durable message, 0 in an empty log. It may be
	// called at any time and does not wait for the log's lock.
	Head(ctx context.Context) (int64, error)

	// Ready returns nil if a message could be stored now, as far as it can know without
	// storing one. Its errors are of the same kinds as Append's.
	Ready(ctx context.Context) error

	// LogID identifies the log: all its replicas return the same text, and no other
	// log's do. It is 1–64 letters, digits and hyphens, stays the same while the
	// Store is open, and does not show where the log is.
	LogID() string

	// Close ends a running Append, if there is one, and releases all resources.
	Close() error
}

// Appended is the result of appending a batch.
type Appended struct {
	// Before holds the messages right before the batch's first new one, up to
	// WindowSize-1 of them, in ascending order. It is empty if none was new.
	Before []Message

	// Results has one entry for each draft, in the drafts' order. New messages
	// have consecutive seqs.
	Results []Result
}

// A Result is the message that one draft of a batch became, or had become before.
type Result struct {
	Message
	Existed bool // the ID was in the log already; nothing was stored
}
