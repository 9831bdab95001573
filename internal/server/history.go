package server

import (
	"context"
	"net/http"

	"dummymessenger/internal/feed"
	"dummymessenger/internal/messenger"
)

const (
	defaultHistory = 50
	maxHistory     = 200

	// historyBytes bounds what is kept for a caller who takes the answer slowly.
	// defaultHistory of the longest messages fit: the page, which adds newer
	// ones by asking for those before a later place, needs all it asks for.
	historyBytes = 5 << 18
)

// history answers with the messages before one, as an answer to a message has them.
func (s *Server) history(w *response, r *http.Request) error {
	before, err := numberParameter(r, "before", 1, maxSeq, feed.Newest)
	if err != nil {
		return err
	}
	limit, err := numberParameter(r, "limit", 1, maxHistory, defaultHistory)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.RequestTimeout)
	defer cancel()
	messages, err := s.cfg.Feed.Before(ctx, before, int(limit))
	if err != nil {
		return err
	}
	writeMessages(w, encodeLast(messages))
	return nil
}

// encodeLast encodes as many of the last messages as fit into historyBytes.
func encodeLast(messages []messenger.Message) []byte {
	var one []byte
	size, first := 0, len(messages)
	for first > 0 {
		one = AppendMessage(one[:0], messages[first-1])
		if size+len(one) > historyBytes {
			break
		}
		size += len(one) + 1 // and a comma
		first--
	}
	return AppendMessages(make([]byte, 0, size), messages[first:])
}
