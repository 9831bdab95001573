package server

import (
	"context"
	"net/http"

	"dummymessenger/internal/messenger"
)

// livez answers that the process is alive. It does not ask the database, or an
// outage there would make supervisors restart the replicas.
func (s *Server) livez(w *response, r *http.Request) error {
	writeOK(w)
	return nil
}

// readyz answers whether a message sent here now could be stored.
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
			// Whatever it is, messages cannot be stored now, and none was.
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
