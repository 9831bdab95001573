package server

import (
	"context"
	"net/http"

	"dummymessenger/internal/feed"
)

const (
	defaultHistory = 50
	maxHistory     = 200
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
	var encoded []byte
	for i, m := range messages {
		if i > 0 {
			encoded = append(encoded, ',')
		}
		encoded = AppendMessage(encoded, m)
	}
	writeMessages(w, encoded)
	return nil
}
