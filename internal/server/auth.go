package server

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// authorized requires a valid bearer token (RFC 6750, section 2.1), if there are
// tokens. Every handler that takes or shows messages is behind it.
func (s *Server) authorized(h handler) handler {
	if s.cfg.Authorized == nil {
		return h
	}
	return func(w *response, r *http.Request) error {
		token, ok := bearer(r)
		if !ok {
			w.Header().Set("WWW-Authenticate", "Bearer")
			return &refusal{problem: unauthorized}
		}
		if !s.cfg.Authorized(token) {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			return &refusal{problem: unauthorized, detail: "the token is not one that this server knows"}
		}
		return h(w, r)
	}
}

// tokenCheck is how often a stream's token is checked again.
const tokenCheck = time.Second / 2

// whileAuthorized calls end once r's token is withdrawn. It returns then, or when
// ctx ends.
func (s *Server) whileAuthorized(ctx context.Context, r *http.Request, end func()) {
	if s.cfg.Authorized == nil {
		return
	}
	token, _ := bearer(r)
	tick := time.NewTicker(tokenCheck)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if !s.cfg.Authorized(token) {
				end()
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func bearer(r *http.Request) (token string, ok bool) {
	lines := r.Header["Authorization"]
	if len(lines) != 1 {
		return "", false
	}
	scheme, token, ok := strings.Cut(lines[0], " ")
	return strings.TrimLeft(token, " "), ok && strings.EqualFold(scheme, "Bearer")
}
