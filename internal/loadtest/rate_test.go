package loadtest

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

var okHandler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"messages":[]}`) })

// At a low rate the same few connections are used, so that none goes stale.
func TestRateKeepsConnections(t *testing.T) {
	s := httptest.NewServer(okHandler)
	defer s.Close()
	test, err := New(Config{URLs: []string{s.URL}, Workers: 50, Rate: 40, Duration: 3 * time.Second, Unverified: true})
	if err != nil {
		t.Fatal(err)
	}
	r := test.Run(t.Context(), nil)
	if r.OK != 120 || r.Generator.Connections > 55 {
		t.Errorf("%d ok on %d connections, want 120 on the 50 of the start and hardly more", r.OK, r.Generator.Connections)
	}
}

// A connection that has gone stale is opened again before the next request is
// due: no handshake is part of a latency.
func TestRateHandshakesAhead(t *testing.T) {
	const handshake = 200 * time.Millisecond
	s := httptest.NewUnstartedServer(okHandler)
	s.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		time.Sleep(handshake) // must not show in a latency
		return nil, nil
	}}
	s.StartTLS()
	defer s.Close()
	roots := s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	test, err := New(Config{URLs: []string{s.URL}, Workers: 2, Rate: 0.8, Requests: 3, Unverified: true, RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	r := test.Run(t.Context(), nil)
	if r.OK != 3 || r.Generator.Connections <= 2 || r.Latency.Max > float64(handshake.Milliseconds()) {
		t.Errorf("%d ok on %d connections, the slowest took %v ms; want that they are opened again, and no handshake in it",
			r.OK, r.Generator.Connections, r.Latency.Max)
	}
}

// A connection that was opened ahead is looked at like any other: a proxy may
// have closed it before the request is due.
func TestRateLooksAgain(t *testing.T) {
	const idle = 300 * time.Millisecond // less than refreshAhead
	s := httptest.NewUnstartedServer(okHandler)
	s.Config.IdleTimeout, s.Config.ReadHeaderTimeout = idle, idle // once used, and new
	s.Start()
	defer s.Close()
	test, err := New(Config{URLs: []string{s.URL}, Workers: 1, Rate: 1, Requests: 4, Unverified: true})
	if err != nil {
		t.Fatal(err)
	}
	if r := test.Run(t.Context(), nil); r.OK != 4 {
		t.Errorf("%d ok, %d unknown, want 4 answered on open connections", r.OK, r.Unknown)
	}
}

// As many requests are measured as were asked for, whatever the warm-up.
func TestRateSendsAll(t *testing.T) {
	s := httptest.NewServer(okHandler)
	defer s.Close()
	for _, c := range []Config{
		{Rate: 30, Warmup: 50 * time.Millisecond, Requests: 12},
		{Rate: 15, Warmup: 100 * time.Millisecond, Requests: 6},
		{Rate: 333.3, Warmup: 100 * time.Millisecond, Requests: 60},
		{Rate: 1000, Warmup: 20 * time.Millisecond, Requests: 50},
		{Warmup: 20 * time.Millisecond, Requests: 50},
	} {
		c.URLs, c.Unverified, c.Workers = []string{s.URL}, true, 7
		test, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		if r := test.Run(t.Context(), nil); r.OK != int64(c.Requests) || r.Sent != r.OK {
			t.Errorf("rate %v, warm-up %v: %d sent, %d ok, want %d", c.Rate, c.Warmup, r.Sent, r.OK, c.Requests)
		}
	}
}
