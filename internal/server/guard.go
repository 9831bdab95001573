package server

import (
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"time"

	"dummymessenger/internal/messenger"
)

// guard wraps next with what every request needs: the headers that all answers
// have, its line in the log and the metrics, and an answer if its handler panics.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w := &response{ResponseWriter: rw}
		defer s.observe(w, r, time.Now())
		defer func() {
			if v := recover(); v != nil {
				s.recovered(w, r, v)
			}
		}()

		h := w.Header()
		h["X-Content-Type-Options"] = nosniff
		h["Cache-Control"] = noStore
		h["Content-Security-Policy"] = inert
		h[messenger.ReplicaHeader] = *s.replica.Load()
		w.adoptRequestID(r)
		if s.isStopping() {
			h.Set("Connection", "close") // so that no request is on its way when we close
		}
		if !isClean(r.URL.Path) {
			s.fail(w, r, &refusal{problem: notFound})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isClean reports whether ServeMux takes p as it is. It would redirect
// //messages to /messages, which is no answer to a message.
func isClean(p string) bool {
	clean := path.Clean(p)
	return p == clean || p == clean+"/"
}

// recovered ends a request whose handler panicked with v.
func (s *Server) recovered(w *response, r *http.Request, v any) {
	deliberate := v == http.ErrAbortHandler // a way to cut the connection
	if !deliberate {
		s.cfg.Logger.LogAttrs(r.Context(), slog.LevelError, "panic", slog.String("request_id", w.requestID()),
			slog.String("from", r.RemoteAddr), slog.String("method", r.Method), slog.String("route", r.Pattern),
			slog.String("err", fmt.Sprint(v)), slog.String("stack", string(debug.Stack())))
	}
	if deliberate || w.status != 0 {
		w.status = 0                // half an answer is none
		panic(http.ErrAbortHandler) // cuts the connection, so that no caller takes it for a whole one
	}
	w.Header().Set("Connection", "close") // the handler may not have read all of the body
	writeProblem(w, &problems[messenger.Internal], "", outcomeUnknown)
}
