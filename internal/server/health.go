package server

import (
	"context"
	"net/http"

	"dummymessenger/internal/messenger"
)

// livez tells that the process answers. It asks nobody else, so that an
// outage of the database makes no supervisor restart the replicas.
func (s *Server) livez(w *response, r *http.Request) error {
	writeOK(w)
	return nil
}

// readyz tells whether a message sent here now could be stored.
func (s *Server) readyz(w *response, r *http.Request) error {
	if s.isStopping() {
		return &refusal{problem: stopping}
	}
	if s.cfg.Ready == nil {
		writeOK(w)
		return nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.ReadyTimeout)
	defer cancel()
	if err := s.cfg.Ready(ctx); err != nil {
		if p, _, _ := explain(err); p.status != http.StatusServiceUnavailable {
			// Whatever it was: messages cannot be stored, and none was.
			err = &messenger.Error{Kind: messenger.Unavailable, Err: err}
		}
		return err
	}
	writeOK(w)
	return nil
}

func writeOK(w *response) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write([]byte("ok\n"))
}
