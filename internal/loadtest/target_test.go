package loadtest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// CheckSchemes recognises a TLS-only server, however the server words its
// answer. No handler sees the request.
func TestCheckSchemes(t *testing.T) {
	var asked atomic.Int64
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, "bad request")
	})
	plain, secure := httptest.NewServer(handler), httptest.NewTLSServer(handler)
	defer plain.Close()
	defer secure.Close()
	says := func(answer string) string {
		url, _ := rawServer(t, func(int, int) (string, bool) { return answer, true })
		return url
	}
	for url, want := range map[string]bool{
		plain.URL:  false,
		secure.URL: false,
		strings.Replace(secure.URL, "https:", "http:", 1):                                                                         true,
		says("HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n<title>400 The plain HTTP request was sent to HTTPS port</title>"): true,
		says("HTTP/1.1 400 Bad Request\r\n\r\nReason: You're speaking plain HTTP to an SSL-enabled server port.<br />"):           true,
		says("\x15\x03\x01\x00\x02\x02\x46"):                                                                                      true,
		says("HTTP/1.1 400 Bad Request\r\n\r\nno such method"):                                                                    false,
		says(""):             false,
		"http://127.0.0.1:1": false,
	} {
		test, err := New(Config{URLs: []string{url}, Requests: 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := test.CheckSchemes(); (err != nil) != want || err != nil && !strings.Contains(err.Error(), "https://") {
			t.Errorf("%s: %v, want an error: %t", url, err, want)
		}
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("the handlers were asked %d times", n)
	}
}
