package server

import (
	"net/http"

	"dummymessenger/internal/page"
)

// These two show no messages, so they need no token.

func (s *Server) openapi(w *response, r *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml") // RFC 9512
	w.Write(page.Document)
	return nil
}

func (s *Server) docs(w *response, r *http.Request) error {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", page.DocsPolicy)
	w.Write(page.Docs)
	return nil
}
