package server

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"dummymessenger/internal/feed"
)

// What a stream consists of: the WHATWG's HTML standard, section 9.2,
// "Server-sent events".
var (
	eventStream = []string{"text/event-stream"}

	// greeting makes a browser that loses the connection reconnect after a second.
	greeting  = []byte("retry: 1000\n\n")
	heartbeat = []byte(":\n\n")
)

// events streams messages as they are stored, in order and without a gap, until
// the caller leaves, its token is withdrawn, or the server stops.
func (s *Server) events(w *response, r *http.Request) error {
	after, err := startOfEvents(r)
	if err != nil {
		return err
	}
	if r.ContentLength != 0 {
		// net/http would wait for all of it before the answer, and then for ever.
		return malformed("this request has a body; send it without one")
	}
	if s.isStopping() {
		return &refusal{problem: stopping}
	}
	ctx, cancel := context.WithCancel(r.Context())
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	defer context.AfterFunc(s.serving, cancel)()

	beginning, cancelBeginning := context.WithTimeout(ctx, s.cfg.RequestTimeout)
	defer cancelBeginning()
	watcher, err := s.cfg.Feed.Watch(beginning, after)
	if err != nil {
		return err
	}
	defer watcher.Close()

	h := w.Header()
	h["Content-Type"] = eventStream
	h.Set("X-Accel-Buffering", "no") // nginx would keep events back
	if r.Method == http.MethodHead {
		return nil
	}
	watching.Go(func() { s.whileAuthorized(ctx, r, cancel) })
	s.stream(ctx, w, r, watcher)
	return nil
}

// stream writes what watcher sees until ctx ends. If the log can no longer be
// read it just ends; a caller who comes back is told why.
func (s *Server) stream(ctx context.Context, w *response, r *http.Request, watcher *feed.Watcher) {
	conn := http.NewResponseController(w)

	// At shutdown a caller who reads slowly has no more time than others.
	hurry := func() { conn.SetWriteDeadline(time.Now().Add(min(finalGrace, s.cfg.WriteTimeout))) }
	defer context.AfterFunc(ctx, hurry)()

	send := func(pieces ...[]byte) bool {
		for some := range slices.Chunk(pieces, 32) { // so few that a slow caller has time for them
			conn.SetWriteDeadline(time.Now().Add(s.cfg.WriteTimeout))
			if ctx.Err() != nil { // only now, so that hurry's deadline is the last one
				hurry()
				return false
			}
			for _, piece := range some {
				if _, err := w.Write(piece); err != nil {
					return false // the caller has left, or reads too slowly
				}
			}
			if conn.Flush() != nil {
				return false
			}
		}
		return true
	}
	for going := send(greeting); going; {
		waiting, cancel := context.WithTimeout(ctx, s.cfg.Heartbeat)
		events, err := watcher.Next(waiting)
		quiet := waiting.Err() != nil
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			pieces := make([][]byte, len(events))
			for i, e := range events {
				pieces[i] = e.Encoded
			}
			going = send(pieces...)
		case quiet:
			going = send(heartbeat)
		default:
			s.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "stream ended",
				slog.String("request_id", w.requestID()), slog.Any("err", err))
			return
		}
	}
}

// startOfEvents is the seq after which the caller wants to see messages.
func startOfEvents(r *http.Request) (int64, error) {
	switch lines := r.Header["Last-Event-Id"]; {
	case len(lines) > 1:
		return 0, malformed("Last-Event-ID was sent %d times; send it once", len(lines))
	case len(lines) == 1 && lines[0] != "": // empty is what a reset id field makes of it
		return parseNumber("Last-Event-ID", lines[0], 0, maxSeq)
	}
	return numberParameter(r, "after", 0, maxSeq, feed.Newest)
}
