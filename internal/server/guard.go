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

// Header values that many answers share. Nobody writes to them.
var (
	nosniff     = []string{"nosniff"}
	noStore     = []string{"no-store"}
	inert       = []string{"default-src 'none'; frame-ancestors 'none'"}
	jsonContent = []string{"application/json"}
)

// A response is an answer in the making.
type response struct {
	http.ResponseWriter
	id       string // see requestID
	status   int    // 0 until any of it is sent
	reason   string // of a problem
	replayed bool
}

func (w *response) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// guard does what every request needs, whoever answers it.
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

// isClean tells whether ServeMux takes p as it is. It would redirect
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
		w.status = 0                // what was sent is no answer
		panic(http.ErrAbortHandler) // or a part would pass for the whole
	}
	w.Header().Set("Connection", "close") // nobody knows how much of the body was read
	writeProblem(w, &problems[messenger.Internal], "", outcomeUnknown)
}
