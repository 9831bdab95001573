//go:build !fuzzing

package server_test

import (
	"net/http"
	"strings"
	"testing"
)

// /docs is in the language that is asked for, and caches know that it depends on that.
func TestDocsLanguage(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	etags := map[string]string{}
	for _, tt := range []struct{ query, accept, want string }{
		{"", "", "en"},
		{"", "*", "en"},
		{"", "fr, uk;q=0.9", "en"},
		{"", "ru", "ru"},
		{"", "RU-ru,en;q=0.9", "ru"},
		{"", "fr, ru;q=0.8, en;q=0.7", "ru"},
		{"", "en-GB, ru", "en"},
		{"", "ru;q=0.5, en", "en"},
		{"", "en;q=0, ru;q=0.1", "ru"},
		{"", "ru;q=0", "en"},
		{"", "rue, ru;q=x", "en"},
		{"?lang=ru", "en", "ru"},
		{"?lang=en", "ru", "en"},
		{"?lang=fr", "ru", "ru"},
		{"?lang=fr", "", "en"},
	} {
		req := request(t, "GET", r.url+"/docs"+tt.query, "")
		if tt.accept != "" {
			req.Header.Set("Accept-Language", tt.accept)
		}
		resp, body := send(t, req)
		if !strings.Contains(string(body), `<html lang="`+tt.want+`">`) {
			t.Errorf("/docs%s with Accept-Language %q is not in the language %s", tt.query, tt.accept, tt.want)
		}
		if got := resp.Header.Get("Vary"); got != "Accept-Language" {
			t.Errorf("/docs%s: Vary = %q", tt.query, got)
		}
		if policy := resp.Header.Get("Content-Security-Policy"); strings.Contains(policy, "unsafe") || !strings.Contains(policy, "trusted-types 'none'") {
			t.Errorf("/docs%s: Content-Security-Policy = %q", tt.query, policy)
		}
		etags[tt.want] = resp.Header.Get("ETag")
	}
	if etags["en"] == etags["ru"] {
		t.Errorf("both languages have the ETag %s", etags["en"])
	}
	resp, _ := send(t, request(t, "GET", r.url+"/docs", "", "Accept-Language", "ru", "If-None-Match", etags["en"]))
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the English page is taken for the Russian one: %s", resp.Status)
	}
}
