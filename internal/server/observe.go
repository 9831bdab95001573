package server

import (
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// A Request describes one request to Config.Observe.
type Request struct {
	Route    string        // path of the route that answered; "" if there was none
	Status   int           // 0 if the connection was cut instead
	Took     time.Duration // from its headers to the end of its handler; of /events, for as long as the caller watched
	Reason   string        // one of Reasons, if it was answered with a problem
	Replayed bool          // an earlier answer was given again
}

// observe counts and logs r, which has been answered with w.
func (s *Server) observe(w *response, r *http.Request, began time.Time) {
	took := time.Since(began)
	route := r.Pattern // of all methods, or with its own
	if _, path, found := strings.Cut(r.Pattern, " "); found {
		route = path
	}
	if route == "/" {
		route = "" // the handler for paths that have no route
	}
	route = strings.TrimSuffix(route, "{$}") // "/" is the page
	if s.cfg.Observe != nil {
		s.cfg.Observe(Request{Route: route, Status: w.status, Took: took, Reason: w.reason, Replayed: w.replayed})
	}
	if w.reason == "" && s.cfg.Logger.Enabled(r.Context(), slog.LevelDebug) {
		s.cfg.Logger.LogAttrs(r.Context(), slog.LevelDebug, "request answered", slog.String("request_id", w.requestID()),
			slog.String("from", r.RemoteAddr), slog.String("method", r.Method), slog.String("route", r.Pattern),
			slog.Int("status", w.status), slog.Duration("took", took))
	}
}

// A connectionLog takes what net/http logs. What differs from line to line becomes
// an attribute, so that lines of one kind have one message.
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
