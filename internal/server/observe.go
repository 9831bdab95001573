package server

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// A Request is what Config.Observe is told of one request.
type Request struct {
	Route    string        // path of the route that answered; "" if there was none
	Status   int           // 0 if the connection was cut instead
	Took     time.Duration // from its headers to the end of its handler; of /events, as long as somebody watched
	Reason   string        // one of Reasons, if it was answered with a problem
	Replayed bool          // an earlier answer was given again
}

// observe is called when r has been answered with w.
func (s *Server) observe(w *response, r *http.Request, began time.Time) {
	took := time.Since(began)
	route := r.Pattern // of all methods, or with its own
	if _, path, found := strings.Cut(r.Pattern, " "); found {
		route = path
	}
	if route == "/" {
		route = "" // it takes what no route answers
	}
	route = strings.TrimSuffix(route, "{$}") // "/" is the page
	if s.cfg.Observe != nil {
		s.cfg.Observe(Request{Route: route, Status: w.status, Took: took, Reason: w.reason, Replayed: w.replayed})
	}
	if w.reason == "" && s.cfg.Logger.Enabled(r.Context(), slog.LevelDebug) {
		s.cfg.Logger.LogAttrs(r.Context(), slog.LevelDebug, "request answered", slog.String("request_id", w.requestID()), slog.String("from", r.RemoteAddr),
			slog.String("method", r.Method), slog.String("route", r.Pattern), slog.Int("status", w.status), slog.Duration("took", took))
	}
}

// A connectionLog takes what net/http logs. It makes attributes of what differs
// from line to line, so that lines of one kind have one message.
type connectionLog struct{ *slog.Logger }

func (l connectionLog) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line))
	if what, ok := strings.CutPrefix(text, "http: TLS handshake error from "); ok {
		from, err, _ := strings.Cut(what, ": ")
		l.Warn("TLS handshake failed", "from", from, "err", err)
	} else {
		l.Warn("connection failed", "err", text)
	}
	return len(line), nil
}

const requestIDHeader = "X-Request-Id"

// adoptRequestID takes the request's ID from its caller, if it can be shown anywhere.
func (w *response) adoptRequestID(r *http.Request) {
	if ids := r.Header[requestIDHeader]; len(ids) == 1 && isRequestID(ids[0]) {
		w.id = ids[0]
		w.Header()[requestIDHeader] = ids
	}
}

// requestID is the request's ID, by which it is found in the log: its caller's
// or, made when first needed, ours. The answer shows it.
func (w *response) requestID() string {
	if w.id == "" {
		w.id = rand.Text()
		if w.status == 0 {
			w.Header()[requestIDHeader] = []string{w.id}
		}
	}
	return w.id
}

func isRequestID(s string) bool {
	if len(s) == 0 || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && !strings.Contains("-._:/+=", string(c)) {
			return false
		}
	}
	return true
}
