package server

import (
	"net/http"
	"strconv"
	"strings"

	"dummymessenger/internal/page"
)

// These two show no messages, so they need no token.

func (s *Server) openapi(w *response, r *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml") // RFC 9512
	w.Write(page.Document)
	return nil
}

// docs answers in the language that the query names, else in the browser's.
func docs(w *response, r *http.Request) error {
	w.Header().Set("Vary", "Accept-Language")
	name := "docs.html"
	if lang := r.URL.Query().Get("lang"); lang == "ru" || lang != "en" && prefersRussian(r.Header.Get("Accept-Language")) {
		name = "docs.ru.html"
	}
	return file(name)(w, r)
}

// prefersRussian reports whether Russian goes before English in an Accept-Language
// (RFC 9110, section 12.5.4). Of two with the same weight the first counts, as in text.js.
func prefersRussian(accept string) bool {
	best, russian := 0.0, false
	for entry := range strings.SplitSeq(strings.ToLower(accept), ",") {
		tag, q, weighted := strings.Cut(entry, ";")
		weight := 1.0
		if weighted {
			weight, _ = strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(q), "q="), 64) // 0 if malformed
		}
		language, _, _ := strings.Cut(strings.TrimSpace(tag), "-")
		if (language == "en" || language == "ru") && weight > best {
			best, russian = weight, language == "ru"
		}
	}
	return russian
}
