package messenger

import "errors"

// A Kind says what went wrong with a call, in terms of what its caller can do.
type Kind uint8

const (
	// Internal is the kind of an error nobody foresaw. As nothing is known
	// about it, neither is the outcome.
	Internal Kind = iota

	Malformed   // the request has not the right shape
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

// MayBeStored tells whether a call that failed with k may have stored its message.
func (k Kind) MayBeStored() bool { return k == Internal || k == Unknown }

// An Error is a failed call. Detail is for the caller; Err, the cause, is for
// the log only, since it may hold what no caller should see.
type Error struct {
	Kind   Kind
	Detail string // what is wrong and what to do about it, in one or two clauses
	Err    error  // may be nil
}

func (e *Error) Error() string {
	s := e.Kind.String()
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// ErrOpening is behind the Unavailable errors of a log that is being opened.
var ErrOpening = errors.New("the log is not open yet")

// KindOf is the kind of err, Internal if it has none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}
