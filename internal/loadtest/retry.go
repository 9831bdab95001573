package loadtest

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"dummymessenger/internal/verify"
)

// retryable reports whether to try again after r: after no answer, or a status
// that asks for it. If the outcome is unknown, only requests that the server
// recognises are repeated.
func (r result) retryable(idempotent bool) bool {
	return r.passing && (r.outcome == verify.Failed || idempotent)
}

// passing reports whether the same request may succeed later, after an answer of
// this status. The page and the examples retry after the same ones.
func passing(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// pauseAfter returns how long to wait before another try: exponential backoff
// with full jitter on top of what the server asked for, at most maxPause.
func (w *worker) pauseAfter(tries int, least time.Duration) time.Duration {
	longest := min(20*time.Millisecond<<min(tries, 10), 2*time.Second)
	return min(least+time.Duration(w.pauses.Int64N(int64(longest))), maxPause)
}

// maxPause is the longest wait before another try, whatever a server asks for.
const maxPause = 10 * time.Second

// retryAfter returns the delay that a Retry-After field asks for, in seconds or
// as a date (RFC 9110, section 10.2.3): at most maxPause, 0 if there is no field.
func retryAfter(field string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(field, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(maxPause/time.Second))) * time.Second
	}
	if date, err := http.ParseTime(field); err == nil {
		return min(max(0, date.Sub(now)), maxPause)
	}
	return 0
}
