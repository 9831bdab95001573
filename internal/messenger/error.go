package messenger

import "errors"

// A Kind classifies a failed call by what its caller can do about it.
type Kind uint8

const (
	// Internal is the kind of an unexpected error. The outcome is unknown.
	Internal Kind = iota

	Malformed   // the request does not have the right shape
	Invalid     // the shape is right, a value is not
	KeyReused   // the idempotency key belongs to another message
	Overloaded  // too many callers are waiting already; not stored
	Unavailable // the log cannot be reached at present; not stored
	Unwritable  // the log was reached and refuses to store, as on a full disk; not stored
	Unknown     // whether the message was stored could not be settled in time
)

var kindNames = [...]string{
	Internal: "internal error", Malformed: "malformed", Invalid: "invalid", KeyReused: "idempotency key reused",
	Overloaded: "overloaded", Unavailable: "unavailable", Unwritable: "unwritable", Unknown: "outcome unknown",
}

func (k Kind) String() string { return kindNames[k] }

// MayBeStored reports whether a call that failed with k may have stored its message.
func (k Kind) MayBeStored() bool { return k == Internal || k == Unknown }

// A Cause says more than a Kind about why a call failed, where callers or
// operators can do something about it. The server has the words for it.
type Cause uint8

const (
	NoCause Cause = iota // none that the Kind does not name

	Stopping        // this replica is shutting down
	TooManyWatchers // of the replica's messages
	QueueTimeout    // the message waited for its turn for too long
	LogTimeout      // the log took too long to lock or to read
	LogInUse        // another program holds the log
	LockHeld        // something has been holding the log's lock for a while
	LockMissing     // what replicas lock to append is not there
	LogChanged      // the log is no longer the one that was opened
	Damaged         // the log's file is corrupt
	RulesBroken     // the log's constraints forbid the message
	DiskFull
	DiskFailing // or full, which the store cannot distinguish
	NotPermitted

	causes // how many there are
)

// Causes is how many causes there are, NoCause included.
const Causes = int(causes)

var causeNames = [...]string{
	NoCause: "", Stopping: "stopping", TooManyWatchers: "too many watchers", QueueTimeout: "queue timeout", LogTimeout: "log timeout",
	LogInUse: "log in use", LockHeld: "lock held", LockMissing: "lock missing", LogChanged: "log changed", Damaged: "damaged",
	RulesBroken: "rules broken", DiskFull: "disk full", DiskFailing: "disk full or failing", NotPermitted: "not permitted",
}

func (c Cause) String() string { return causeNames[c] }

// An Error is a failed call. Err is for the log only, since it may hold what no
// caller should see.
type Error struct {
	Kind  Kind
	Cause Cause

	// Detail tells the caller what is wrong with the request and what to do about
	// it, in one or two clauses. It is set where that depends on the request.
	Detail string

	Err error // may be nil
}

func (e *Error) Error() string {
	s := e.Kind.String()
	if e.Cause != NoCause {
		s += ": " + e.Cause.String()
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of err, Internal if it has none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}
