package server

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"dummymessenger/internal/messenger"
)

// connections counts the connections that are open, and those refused.
type connections struct {
	max           int64
	maxLeaving    int64
	open, refused atomic.Int64

	leaving   atomic.Int64 // refused, with the answer on its way
	farewells sync.WaitGroup
}

// track is an http.Server's ConnState. net/http calls it for a new connection
// before it accepts the next one, so the limit is exact.
func (c *connections) track(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		c.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		c.open.Add(-1)
	}
}

// Connections returns how many are open now, and how many were refused so far.
func (s *Server) Connections() (open, refused int64) {
	return s.connections.open.Load(), s.connections.refused.Load()
}

// A limitedListener refuses connections beyond the limit. It accepts them first:
// left in the system's queue, their callers would only wait.
type limitedListener struct {
	net.Listener
	connections *connections
	noRoom      func() []byte // the answer to a connection that is refused
	plain       bool          // no TLS
}

func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil || l.connections.open.Load() < l.connections.max {
			return conn, err
		}
		l.refuse(conn)
	}
}

// farewell is how long a refused caller has to read the answer.
const farewell = time.Second

func (l *limitedListener) refuse(conn net.Conn) {
	c := l.connections
	c.refused.Add(1)
	if !l.plain || c.leaving.Load() >= c.maxLeaving { // only one Accept runs at a time
		conn.Close()
		return
	}
	c.leaving.Add(1)
	c.farewells.Go(func() {
		defer c.leaving.Add(-1)
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(farewell))
		// Wait for the request to begin: Go's client, for one, reports an answer
		// that comes before it as a protocol error.
		if _, err := io.CopyN(io.Discard, conn, 1); err != nil {
			return
		}
		if _, err := conn.Write(l.noRoom()); err != nil {
			return
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			tcp.CloseWrite()
		}
		// Closing with the request unread would reset the connection before the
		// caller has read the answer.
		io.CopyN(io.Discard, conn, maxHeaderBytes+maxBody)
	})
}

// noRoom returns the whole answer to a connection that is refused.
func (s *Server) noRoom() []byte {
	p := tooManyConnections
	body := p.body("", outcomeNotStored)
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\nContent-Length: %d\r\n"+
		"Retry-After: %d\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"+
		"Content-Security-Policy: "+inert[0]+"\r\n"+messenger.ReplicaHeader+": %s\r\nConnection: close\r\n\r\n%s",
		p.status, http.StatusText(p.status), len(body), p.retryAfter, (*s.replica.Load())[0], body)
}
