package server

import (
	"net/http"

	"dummymessenger/internal/openapi"
)

// These two show no messages, so they need no token.

func (s *Server) openapi(w *response, r *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml") // RFC 9512
	w.Write(openapi.Document)
	return nil
}

func (s *Server) docs(w *response, r *http.Request) error {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", openapi.PagePolicy)
	w.Write(openapi.Page)
	return nil
}
