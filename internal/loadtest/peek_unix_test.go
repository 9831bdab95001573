//go:build unix

package loadtest

import (
	"net/http/httptest"
	"runtime"
	"testing"
	"time"
)

// A connection that the server has closed while it lay idle is not used again.
func TestClosedWhileIdle(t *testing.T) {
	plain, secure := httptest.NewUnstartedServer(okHandler), httptest.NewUnstartedServer(okHandler)
	plain.Config.IdleTimeout, secure.Config.IdleTimeout = time.Millisecond, time.Millisecond
	plain.Start()
	defer plain.Close()
	secure.StartTLS()
	defer secure.Close()
	for _, server := range []*httptest.Server{plain, secure} {
		c, opened := newConn(t, server.URL, server)
		now := time.Now()
		for n := range 3 {
			if n > 0 {
				now = now.Add(lookAfter)
				for deadline := time.Now().Add(10 * time.Second); !c.hungUp(); runtime.Gosched() {
					if time.Now().After(deadline) {
						t.Fatal("the end of the connection is not noticed")
					}
				}
			}
			if r, err := c.exchange([]byte(plainRequest), now, time.Minute); err != nil || r.status != 200 {
				t.Errorf("%s, request %d: %d, %v", server.URL, n, r.status, err)
			}
			c.lastUsed = now
		}
		if *opened != 3 {
			t.Errorf("%s: %d connections, want 3", server.URL, *opened)
		}
	}
}
