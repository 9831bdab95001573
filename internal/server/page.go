package server

import (
	"bytes"
	"net/http"
	"strings"
	"time"

	"dummymessenger/internal/page"
)

// Headers of the page's files. These hold no message, so they need no token; their
// scripts ask for it.
var (
	// Nothing but our own files, no inline script or style, and no HTML made
	// of strings by any script (trusted types).
	pagePolicy = []string{"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"}

	revalidate = []string{"no-cache"} // replicas behind one address may be of two versions
	noReferrer = []string{"no-referrer"}
)

// file answers with one file of the page.
func file(name string) handler {
	return func(w *response, r *http.Request) error {
		f, ok := page.Files[name]
		if !ok {
			return &refusal{problem: notFound}
		}
		// A file is sent whole or, if the browser has it already, not at all.
		for _, name := range [...]string{"Range", "If-Range", "If-Match", "If-Unmodified-Since"} {
			r.Header.Del(name)
		}
		h := w.Header()
		h["Cache-Control"] = revalidate
		h["Content-Security-Policy"] = pagePolicy
		h["Referrer-Policy"] = noReferrer
		h.Set("Content-Type", f.Type)
		h.Set("ETag", f.ETag)
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(f.Content))
		return nil
	}
}

// files answers with the file that the path names.
func files(w *response, r *http.Request) error {
	return file(strings.TrimPrefix(r.URL.Path, "/page/"))(w, r)
}
