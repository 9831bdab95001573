package server

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"dummymessenger/internal/feed"
	"dummymessenger/internal/messenger"
)

// What a stream consists of: the WHATWG's HTML standard, section 9.2,
// "Server-sent events".
var (
	eventStream = []string{"text/event-stream"}

	// greeting has a lost connection tried again after a second.
	greeting  = []byte("retry: 1000\n\n")
	heartbeat = []byte(":\n\n")
)

// AppendEvent appends m to dst as /events shows it.
func AppendEvent(dst []byte, m messenger.Message) []byte {
	dst = slices.Grow(dst, 160+len(m.Sender)+len(m.Text))
	dst = append(dst, "id: "...)
	dst = strconv.AppendInt(dst, m.Seq, 10)
	dst = append(dst, "\ndata: "...)
	dst = AppendMessage(dst, m) // has no line breaks: JSON escapes them
	return append(dst, "\n\n"...)
}

// events shows messages as they are stored, in order and without a gap, until
// the caller leaves, its token is withdrawn, or the server stops.
func (s *Server) events(w *response, r *http.Request) error {
	after, err := startOfEvents(r)
	if err != nil {
		return err
	}
	if r.ContentLength != 0 {
		// net/http waits for all of it before the answer, and then for ever.
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

// stream writes what watcher sees until ctx ends. It ends without a word if the
// log cannot be read any more; the caller who comes back is told why.
func (s *Server) stream(ctx context.Context, w *response, r *http.Request, watcher *feed.Watcher) {
	conn := http.NewResponseController(w)

	// At the end, a caller who reads slowly has no more time than others.
	hurry := func() { conn.SetWriteDeadline(time.Now().Add(min(lastAnswers, s.cfg.WriteTimeout))) }
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
					return false // the caller has gone, or takes too long
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
			s.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "stream ended", slog.String("request_id", w.requestID()), slog.Any("err", err))
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

// maxSeq is below every overflow, and exact in JavaScript.
const maxSeq = 1<<53 - 1

// numberParameter is the number in r's query under name, or value if there is none.
func numberParameter(r *http.Request, name string, least, most, value int64) (int64, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil { // Query would leave out what it cannot read, and a place with it
		return 0, malformed("the query cannot be read; percent-encode what is special in it")
	}
	switch values := query[name]; len(values) {
	case 0:
		return value, nil
	case 1:
		return parseNumber(name, values[0], least, most)
	default:
		return 0, malformed("%s was sent %d times; send it once", name, len(values))
	}
}

func parseNumber(name, s string, least, most int64) (int64, error) {
	n, err := strconv.ParseUint(s, 10, 63) // which takes no sign
	if n := int64(n); err != nil || n < least || n > most {
		return 0, malformed("%s is %s; send a whole number from %d to %d", name, excerpt(s), least, most)
	}
	return int64(n), nil
}
