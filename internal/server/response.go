package server

import (
	"crypto/rand"
	"net/http"
	"strings"
)

// Header values that many answers share. Nobody writes to them.
var (
	nosniff     = []string{"nosniff"}
	noStore     = []string{"no-store"}
	inert       = []string{"default-src 'none'; frame-ancestors 'none'"}
	jsonContent = []string{"application/json"}
)

// A response is an answer that is being written, with what observe needs of it.
type response struct {
	http.ResponseWriter
	id       string // the request's; see requestID
	status   int    // 0 until some of the answer is sent
	reason   string // the problem's, if it is one
	replayed bool
}

func (w *response) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

const requestIDHeader = "X-Request-Id"

// adoptRequestID takes over the ID that the caller gave the request, if it is safe
// to log and to send back.
func (w *response) adoptRequestID(r *http.Request) {
	if ids := r.Header[requestIDHeader]; len(ids) == 1 && isRequestID(ids[0]) {
		w.id = ids[0]
		w.Header()[requestIDHeader] = ids
	}
}

// requestID returns the ID by which the request is found in the log: its caller's
// or a new one. The answer shows it.
func (w *response) requestID() string {
	if w.id == "" {
		w.id = rand.Text()
		if w.status == 0 {
			w.Header()[requestIDHeader] = []string{w.id}
		}
	}
	return w.id
}

func isRequestID(s string) bool {
	if len(s) == 0 || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && !strings.Contains("-._:/+=", string(c)) {
			return false
		}
	}
	return true
}
