// Package netfault is a TCP proxy that fails on demand: a bad network between
// two programs on one machine.
package netfault

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"time"
)

// A Direction is one of a connection's two.
type Direction int

const (
	FromClient Direction = iota
	FromServer
)

// A Proxy forwards every connection to one address. Its faults hold for the
// connections that exist and for those to come, until Heal.
type Proxy struct {
	listener net.Listener
	target   string
	running  sync.WaitGroup

	mu      sync.Mutex
	conns   map[*link]struct{}
	state   state
	latency time.Duration // of each piece of data, in each direction
	change  chan struct{} // closed when state changes
	trap    *trap
	closed  bool
}

type state int

const (
	whole state = iota
	cut         // connections are reset at once, new ones too
	hole        // connections stay open and carry nothing
)

// A trap resets connections that carry a pattern, which is not forwarded.
type trap struct {
	direction Direction
	pattern   []byte
	left      int
}

// A link is a client's connection and its continuation to the server.
type link struct{ client, server net.Conn }

// reset ends both sides as a lost machine's kernel would: no FIN, but RST.
func (l *link) reset() {
	for _, c := range []net.Conn{l.client, l.server} {
		if c == nil {
			continue
		}
		if tcp, ok := c.(*net.TCPConn); ok {
			tcp.SetLinger(0)
		}
		c.Close()
	}
}

// Listen starts a proxy to target on a free port of 127.0.0.1.
func Listen(target string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: l, target: target, conns: make(map[*link]struct{}), change: make(chan struct{})}
	p.running.Go(p.accept)
	return p, nil
}

// Addr is where the proxy listens.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Close ends the proxy and its connections.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.listener.Close()
	p.become(cut)
	p.running.Wait()
}

// Heal ends whatever fault there is. What a black hole has swallowed is
// delivered late, as TCP would.
func (p *Proxy) Heal() {
	p.mu.Lock()
	p.latency, p.trap = 0, nil
	p.mu.Unlock()
	p.become(whole)
}

// Cut resets all connections and those to come.
func (p *Proxy) Cut() { p.become(cut) }

// BlackHole makes connections half-open: both ends believe in them and
// nothing gets through.
func (p *Proxy) BlackHole() { p.become(hole) }

// Reset resets the connections that there are; new ones are forwarded.
func (p *Proxy) Reset() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.conns)
	p.resetAll()
	return n
}

// Delay holds up each piece of data by d in each direction.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latency = d
}

// ResetOn resets the connection whenever pattern is about to be forwarded in
// this direction, for the next n times. The pattern must come in one piece.
func (p *Proxy) ResetOn(direction Direction, pattern string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trap = &trap{direction, []byte(pattern), n}
}

// Armed is how many of ResetOn's resets are still to come.
func (p *Proxy) Armed() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.trap == nil {
		return 0
	}
	return p.trap.left
}

func (p *Proxy) become(s state) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = s
	close(p.change)
	p.change = make(chan struct{})
	if s == cut {
		p.resetAll()
	}
}

func (p *Proxy) resetAll() {
	for l := range p.conns {
		l.reset()
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	l := &link{client: client}
	if !p.open() {
		l.reset()
		return
	}
	server, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(context.Background(), "tcp", p.target)
	if err != nil {
		l.reset()
		return
	}
	l.server = server
	p.mu.Lock()
	if p.state == cut || p.closed {
		p.mu.Unlock()
		l.reset()
		return
	}
	p.conns[l] = struct{}{}
	p.mu.Unlock()

	var both sync.WaitGroup
	both.Go(func() { p.forward(l, FromClient, client, server) })
	both.Go(func() { p.forward(l, FromServer, server, client) })
	both.Wait()

	p.mu.Lock()
	delete(p.conns, l)
	p.mu.Unlock()
	client.Close()
	server.Close()
}

// open waits while the network is a black hole. It is false if connections
// are to be reset.
func (p *Proxy) open() bool {
	for {
		p.mu.Lock()
		s, change := p.state, p.change
		p.mu.Unlock()
		if s != hole {
			return s == whole
		}
		<-change
	}
}

// forward copies one direction until its end, which it passes on.
func (p *Proxy) forward(l *link, d Direction, from, to net.Conn) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if wait := p.delay(); wait > 0 {
				time.Sleep(wait)
			}
			if !p.open() || p.sprung(d, buf[:n]) {
				l.reset()
				return
			}
			if _, err := to.Write(buf[:n]); err != nil {
				l.reset()
				return
			}
		}
		switch {
		case err == io.EOF:
			if tcp, ok := to.(*net.TCPConn); ok && p.open() {
				tcp.CloseWrite()
			}
			return
		case err != nil:
			l.reset()
			return
		}
	}
}

func (p *Proxy) delay() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.latency
}

func (p *Proxy) sprung(d Direction, data []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.trap; t == nil || t.left == 0 || t.direction != d || !bytes.Contains(data, t.pattern) {
		return false
	}
	p.trap.left--
	return true
}
