package server

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"dummymessenger/internal/messenger"
)

// A problem is one way to fail, as callers see it (RFC 9457).
type problem struct {
	status     int
	name       string     // the last part of the type; none if the status says it all
	title      string     // if there is a name
	detail     string     // unless the error has another
	retryAfter int        // seconds; 0 for no such header
	level      slog.Level // at which it is logged
}

// typePrefix begins the types of our problems. A URN and not a URL, so that a
// problem has the same type on every replica.
const typePrefix = "urn:dummymessenger:problem:"

// problems says how each kind of error is answered. A refusal under overload is
// logged at debug level: it is the answer to too much work and should not make more.
var problems = [...]problem{
	messenger.Internal: {status: http.StatusInternalServerError, name: "internal", level: slog.LevelError,
		title: "Internal error", detail: "something unexpected went wrong here; the message may have been stored"},
	messenger.Malformed: {status: http.StatusBadRequest, name: "malformed-request", level: slog.LevelDebug,
		title: "Malformed request", detail: "the request does not have the right form"},
	messenger.Invalid: {status: http.StatusUnprocessableEntity, name: "invalid-message", level: slog.LevelDebug,
		title: "Invalid message", detail: "sender or text has a value that is not allowed"},
	messenger.KeyReused: {status: http.StatusUnprocessableEntity, name: "idempotency-key-reused", level: slog.LevelDebug,
		title: "Idempotency key reused", detail: "this Idempotency-Key was used for another message; use a new key for a new message"},
	messenger.Overloaded: {status: http.StatusServiceUnavailable, name: "overloaded", level: slog.LevelDebug, retryAfter: 1,
		title: "Overloaded", detail: "too many messages are waiting to be stored; try again in a moment"},
	messenger.Unavailable: {status: http.StatusServiceUnavailable, name: "database-unavailable", level: slog.LevelWarn, retryAfter: 1,
		title: "Database unavailable", detail: "the database cannot be reached at present; try again later"},
	messenger.Unwritable: {status: http.StatusServiceUnavailable, name: "database-unwritable", level: slog.LevelWarn, retryAfter: 5,
		title:  "Database not writable",
		detail: "the database refuses to store the message; its operator finds the reason in the server's log"},
	messenger.Unknown: {status: http.StatusGatewayTimeout, name: "outcome-unknown", level: slog.LevelWarn,
		title:  "Outcome unknown",
		detail: "the message may or may not have been stored; repeat the request with the same Idempotency-Key to find out"},
}

// causes are the details where an error has a cause, in place of its kind's.
var causes = [messenger.Causes]string{
	messenger.Stopping:        "the server is shutting down; use another replica or try again later",
	messenger.TooManyWatchers: "too many watch this replica already; use another one or try again in a moment",
	messenger.QueueTimeout:    "the message could not be stored in time; try again later",
	messenger.LogTimeout:      "the log could not be locked or read in time; try again",
	messenger.LogInUse:        "another program holds the log; try again later",
	messenger.LockHeld:        "messages have been waiting for the log's lock for a while; something else holds it",
	messenger.LockMissing:     "the log cannot be locked; its operator finds the reason in the server's log",
	messenger.LogChanged:      "the database does not hold the log as it was; its operator finds the reason in the server's log",
	messenger.Damaged:         "the log is damaged; restore it",
	messenger.RulesBroken:     "the log's own rules forbid this batch; another program may have changed the log",
	messenger.DiskFull:        "the database's disk is full; its operator must make room",
	messenger.DiskFailing:     "the database's disk is full or failing; its operator must make room",
	messenger.NotPermitted:    "the database does not let the server store messages; its operator must grant the permission",
}

// Problems that only HTTP has. Nothing was stored after any of them.
var (
	notFound = onlyHTTP(problem{status: http.StatusNotFound,
		detail: "there is nothing at this path; messages are sent with POST /messages"})
	methodNotAllowed = onlyHTTP(problem{status: http.StatusMethodNotAllowed})
	crossOrigin      = onlyHTTP(problem{status: http.StatusForbidden,
		detail: "a page of another site may not send messages for its visitor; " +
			"a proxy before this server must pass the Host header on, as nginx does with proxy_set_header Host $http_host"})
	bodyTimeout = onlyHTTP(problem{status: http.StatusRequestTimeout,
		detail: "the body did not arrive in time; send it faster"})
	bodyTooLarge = onlyHTTP(problem{status: http.StatusRequestEntityTooLarge,
		detail: "the body is larger than 64 KiB; send a shorter text"})
	unsupportedType = onlyHTTP(problem{status: http.StatusUnsupportedMediaType})
	unauthorized    = onlyHTTP(problem{status: http.StatusUnauthorized,
		detail: "send a token that this server knows, as in Authorization: Bearer TOKEN"})
	tooManyConnections = onlyHTTP(problem{status: http.StatusServiceUnavailable, name: "too-many-connections", retryAfter: 1,
		title:  "Too many connections",
		detail: "this replica has as many connections as it takes; use another one or try again in a moment"})
	stopping = onlyHTTP(problem{status: http.StatusServiceUnavailable, name: "stopping", retryAfter: 1,
		title: "Stopping", detail: "this replica is shutting down; use another one"})
)

// opening is the answer while the log is being opened: the problem of an unreachable
// database, but not logged, since the code that opens the log logs what it waits for.
var opening = func() *problem {
	p := problems[messenger.Unavailable]
	p.level = slog.LevelDebug
	return &p
}()

// httpProblems are the problems that only HTTP has.
var httpProblems []*problem

func onlyHTTP(p problem) *problem {
	p.level = slog.LevelDebug // nothing went wrong here
	httpProblems = append(httpProblems, &p)
	return &p
}

// reason returns p's name in metrics.
func (p *problem) reason() string {
	if p.name != "" {
		return p.name
	}
	return strings.ReplaceAll(strings.ToLower(http.StatusText(p.status)), " ", "-")
}

// Reasons returns all that an observed Request can have.
func Reasons() []string {
	var reasons []string
	for i := range problems {
		reasons = append(reasons, problems[i].reason())
	}
	for _, p := range httpProblems {
		if p != tooManyConnections { // whose requests are never read
			reasons = append(reasons, p.reason())
		}
	}
	return reasons
}

// Statuses returns all that an observed Request to POST /messages can have; 0 is a
// connection that was cut.
func Statuses() []int {
	statuses := []int{0, http.StatusOK}
	for i := range problems {
		statuses = append(statuses, problems[i].status)
	}
	for _, p := range httpProblems {
		statuses = append(statuses, p.status)
	}
	slices.Sort(statuses)
	return slices.Compact(statuses)
}

// A refusal is a request refused with a problem that only HTTP has.
type refusal struct {
	*problem
	detail string // may be empty
	cause  error  // for the log; may be nil
}

func (e *refusal) Error() string {
	if e.cause != nil {
		return http.StatusText(e.status) + ": " + e.cause.Error()
	}
	return http.StatusText(e.status)
}

func (e *refusal) Unwrap() error { return e.cause }

const (
	outcomeNotStored = "not_stored"
	outcomeUnknown   = "unknown"
)

// fail logs err and answers with what callers may know of it. It answers even a
// caller who seems to have left, for it may have closed its sending side only.
func (s *Server) fail(w *response, r *http.Request, err error) {
	p, detail, outcome := explain(err)
	level := p.level
	if r.Context().Err() != nil && level < slog.LevelError {
		level = slog.LevelDebug // the caller hung up, which is no trouble of ours
	}
	s.cfg.Logger.LogAttrs(r.Context(), level, "request failed", slog.String("request_id", w.requestID()),
		slog.String("from", r.RemoteAddr), slog.String("method", r.Method), slog.String("route", r.Pattern),
		slog.Int("status", p.status), slog.String("outcome", outcome), slog.Any("err", err))
	writeProblem(w, p, detail, outcome)
}

// explain returns how callers see err. An empty detail stands for p's own.
func explain(err error) (p *problem, detail, outcome string) {
	if refused, ok := errors.AsType[*refusal](err); ok {
		return refused.problem, refused.detail, outcomeNotStored
	}
	kind := messenger.Internal
	if e, ok := errors.AsType[*messenger.Error](err); ok {
		kind, detail = e.Kind, cmp.Or(e.Detail, causes[e.Cause])
	}
	outcome = outcomeNotStored
	if kind.MayBeStored() {
		outcome = outcomeUnknown
	}
	return &problems[kind], detail, outcome
}

func writeProblem(w *response, p *problem, detail, outcome string) {
	w.requestID() // for the caller to ask about the error by
	w.reason = p.reason()
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	w.WriteHeader(p.status)
	w.Write(p.body(detail, outcome)) // if this fails, the caller has left
}

// body returns p as JSON. An empty detail stands for p's own.
func (p *problem) body(detail, outcome string) []byte {
	body := struct {
		Type    string `json:"type"`
		Title   string `json:"title"`
		Status  int    `json:"status"`
		Detail  string `json:"detail"`
		Outcome string `json:"outcome"`
	}{"about:blank", http.StatusText(p.status), p.status, cmp.Or(detail, p.detail), outcome}
	if p.name != "" {
		body.Type, body.Title = typePrefix+p.name, p.title
	}
	b, err := json.Marshal(body, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		panic(err) // five plain fields
	}
	return b
}

// malformed returns an error of kind Malformed.
func malformed(format string, args ...any) error {
	return &messenger.Error{Kind: messenger.Malformed, Detail: fmt.Sprintf(format, args...)}
}
