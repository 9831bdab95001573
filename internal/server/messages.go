package server

import (
	"context"
	"net/http"
)

// postMessage stores the message in the body and answers with the window that
// ends in it.
func (s *Server) postMessage(w *response, r *http.Request) error {
	draft, err := decodeDraft(w, r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.RequestTimeout)
	defer cancel()
	answer, err := s.cfg.Log.Append(ctx, draft)
	if err != nil {
		return err
	}
	if answer.Replayed {
		w.Header().Set("Idempotent-Replayed", "true")
		w.replayed = true
	}
	writeMessages(w, answer.Messages)
	return nil
}
