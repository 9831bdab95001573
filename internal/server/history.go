package server

import (
	"context"
	"net/http"

	"dummymessenger/internal/feed"
)

const (
	defaultHistory = 50
	maxHistory     = 200

	// historyBytes bounds what a slow caller's answer keeps in memory. It is room
	// for defaultHistory of the longest messages, for the page relies on getting
	// as many as it asks for.
	historyBytes = 5 << 18
)

// history answers with the messages before one, in the form of a window.
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
