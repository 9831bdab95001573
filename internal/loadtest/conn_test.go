package loadtest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const plainRequest = "POST /messages HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"

// newConn connects to url, trusting server's certificate if it has one.
func newConn(t *testing.T, url string, server *httptest.Server) (c *conn, opened *int) {
	t.Helper()
	target, err := newTarget(url, "/messages")
	if err != nil {
		t.Fatal(err)
	}
	if server != nil && target.tls != nil {
		target.tls.RootCAs = server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	}
	opened = new(int)
	c = &conn{target: target, opened: func() { *opened++ }}
	t.Cleanup(c.close)
	return c, opened
}

func (c *conn) exchangeNow(request string) (response, error) {
	now := time.Now()
	return c.exchange([]byte(request), now, 5*time.Second)
}

// After a 5xx some servers close the connection and do not say so. The next request
// must not meet that.
func TestClosedAfterAnError(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nc, buffer, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		buffer.WriteString("HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno")
		buffer.Flush()
		nc.Close()
	}))
	defer server.Close()
	c, _ := newConn(t, server.URL, server)
	for i := range 50 {
		if r, err := c.exchangeNow(plainRequest); err != nil || r.status != 500 {
			t.Fatalf("request %d: %d, %v, want 500 each time", i, r.status, err)
		}
	}
}

func TestExchange(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusEarlyHints) // an interim answer
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
		w.Write(body)
		http.NewResponseController(w).Flush() // chunked
		w.Write([]byte(" and more"))
	})
	plain, secure := httptest.NewServer(handler), httptest.NewTLSServer(handler)
	defer plain.Close()
	defer secure.Close()
	for _, server := range []*httptest.Server{plain, secure} {
		c, opened := newConn(t, server.URL, server)
		for range 3 {
			r, err := c.exchangeNow(plainRequest)
			if err != nil || r.status != 429 || r.retryAfter != "7" || string(r.body) != "{} and more" {
				t.Errorf("%s: %d %q %q, %v", server.URL, r.status, r.retryAfter, r.body, err)
			}
		}
		if *opened != 1 {
			t.Errorf("%s: %d connections for three requests, want 1", server.URL, *opened)
		}
	}

	c, _ := newConn(t, secure.URL, nil) // whose certificate nobody vouches for
	var e *sendError
	if _, err := c.exchangeNow(plainRequest); !errors.As(err, &e) || !e.unsent || e.reason != untrusted {
		t.Errorf("exchange with an untrusted server: %v, want that its certificate is not trusted", err)
	}
}

// A raw server answers each connection's requests with its next script lines
// and counts what it read.
func rawServer(t *testing.T, script func(connection, request int) (answer string, hangUp bool)) (url string, requests *atomic.Int64) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	requests = new(atomic.Int64)
	go func() {
		for connection := 0; ; connection++ {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				br := bufio.NewReader(nc)
				for n := 0; ; n++ {
					r, err := http.ReadRequest(br)
					if err != nil {
						return
					}
					io.Copy(io.Discard, r.Body)
					requests.Add(1)
					answer, hangUp := script(connection, n)
					io.WriteString(nc, answer)
					if hangUp {
						return
					}
				}
			}()
		}
	}()
	return "http://" + ln.Addr().String(), requests
}

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// A request that meets a connection which the server closes is not sent again.
func TestNeverSentTwice(t *testing.T) {
	url, requests := rawServer(t, func(connection, request int) (string, bool) {
		if connection == 0 && request == 1 {
			return "", true
		}
		return okAnswer, false
	})
	c, opened := newConn(t, url, nil)
	if _, err := c.exchangeNow(plainRequest); err != nil {
		t.Fatal(err)
	}
	var e *sendError
	if _, err := c.exchangeNow(plainRequest); !errors.As(err, &e) || e.unsent {
		t.Errorf("second exchange: %v, want an error after sending", err)
	}
	if _, err := c.exchangeNow(plainRequest); err != nil {
		t.Errorf("third exchange: %v, want a new connection", err)
	}
	if n := requests.Load(); n != 3 || *opened != 2 {
		t.Errorf("the server saw %d requests on %d connections, want 3 on 2", n, *opened)
	}
}

func TestConnectionsNotReused(t *testing.T) {
	for name, answer := range map[string]string{
		"told to close":    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.0":         "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"more than answer": okAnswer + "HTTP/1.1 408 Request Timeout\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			url, _ := rawServer(t, func(int, int) (string, bool) { return answer, false })
			c, opened := newConn(t, url, nil)
			for range 2 {
				if r, err := c.exchangeNow(plainRequest); err != nil || r.status != 200 || string(r.body) != "ok" {
					t.Fatalf("%d %q, %v", r.status, r.body, err)
				}
			}
			if *opened != 2 {
				t.Errorf("%d connections, want 2", *opened)
			}
		})
	}
	t.Run("idle", func(t *testing.T) {
		url, _ := rawServer(t, func(int, int) (string, bool) { return okAnswer, false })
		c, opened := newConn(t, url, nil)
		now := time.Now()
		for range 2 {
			if _, err := c.exchange([]byte(plainRequest), now, 10*time.Second); err != nil {
				t.Fatal(err)
			}
			now = now.Add(2 * idleLimit)
		}
		if *opened != 2 {
			t.Errorf("%d connections, want 2", *opened)
		}
	})
}

func TestBrokenAnswers(t *testing.T) {
	for _, test := range []struct{ name, answer, reason string }{
		{"none", "", "closed before the answer"},
		{"head cut off", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n", "answer cut off"},
		{"body cut off", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "answer cut off"},
		{"chunk cut off", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok", "answer cut off"},
		{"not HTTP", "SSH-2.0-x\r\n\r\n", "malformed HTTP answer"},
		{"bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "malformed HTTP answer"},
		{"endless", fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", maxBody+1) + strings.Repeat("x", maxBody+1),
			"answer of more than 1 MiB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			url, _ := rawServer(t, func(int, int) (string, bool) { return test.answer, true })
			c, _ := newConn(t, url, nil)
			var e *sendError
			if r, err := c.exchangeNow(plainRequest); !errors.As(err, &e) || e.reason != test.reason || e.unsent {
				t.Errorf("%d %.20q, %v; want %s", r.status, r.body, err, test.reason)
			}
		})
	}
}

// FuzzReadPlain: an answer that readPlain knows net/http reads alike.
func FuzzReadPlain(f *testing.F) {
	f.Add([]byte(okAnswer))
	f.Add([]byte("HTTP/1.1 200 OK\r\nDate: x\r\ncontent-length:\t 3 \r\nX:\r\n\r\nabcd"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n folded: 3\r\n\r\nok"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		c := &conn{br: bufio.NewReaderSize(bytes.NewReader(answer), len(answer)+16)}
		c.br.Peek(1)
		got, ok, err := c.readPlain()
		if !ok || err != nil {
			return
		}
		h, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), nil)
		if err != nil {
			t.Fatalf("readPlain(%q) = %q, net/http says %v", answer, got.body, err)
		}
		want, err := io.ReadAll(h.Body)
		if err != nil || h.Close || h.StatusCode != got.status || !bytes.Equal(want, got.body) {
			t.Fatalf("readPlain(%q) = %d %q; want %d %q, close %t, %v", answer, got.status, got.body, h.StatusCode, want, h.Close, err)
		}
	})
}

func TestTargetErrors(t *testing.T) {
	for _, raw := range []string{"", "127.0.0.1:8001", "localhost:8001", "ftp://a", "http://", "http://a?b=c", "http://a/#b",
		"http://user@a",
		"http://a:0", "http://a:65536", "http://a:b"} {
		if target, err := newTarget(raw, "/messages"); err == nil {
			t.Errorf("newTarget(%q) = %+v, want an error", raw, target)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	for field, want := range map[string]time.Duration{
		"": 0, "3": 3 * time.Second, "-3": 0, "soon": 0, "99999999": maxPause,
		"99999999999999999999999": maxPause, "Wed, 25 Nov 2026 10:00:05 GMT": maxPause,
		"Tue, 24 Nov 2026 10:00:05 GMT": 5 * time.Second,
		"Tue, 24 Nov 2026 09:00:05 GMT": 0,
	} {
		if got := retryAfter(field, now); got != want {
			t.Errorf("retryAfter(%q) = %v, want %v", field, got, want)
		}
	}
}
