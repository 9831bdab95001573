// Package netfault is a TCP proxy that fails on demand: a bad network between
// two programs on one machine.
package netfault

import (
	"bytes"
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
	listener *net.TCPListener
	target   string
	running  sync.WaitGroup

	mu      sync.Mutex
	conns   map[*net.TCPConn]*net.TCPConn // each client's connection, and its continuation to the server
	state   state
	latency time.Duration // of each piece of data, in each direction
	change  chan struct{} // closed when state changes
	trap    trap
	swap    swap
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

// A swap is what is forwarded in place of something else.
type swap struct {
	direction Direction
	from, to  []byte
}

// reset ends connections as a lost machine's kernel would: no FIN, but RST.
func reset(conns ...*net.TCPConn) {
	for _, c := range conns {
		c.SetLinger(0)
		c.Close()
	}
}

// Listen starts a proxy to target on a free port of 127.0.0.1.
func Listen(target string) (*Proxy, error) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: l, target: target, conns: make(map[*net.TCPConn]*net.TCPConn), change: make(chan struct{})}
	p.running.Go(p.accept)
	return p, nil
}

// Addr is where the proxy listens.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Close ends the proxy and its connections.
func (p *Proxy) Close() {
	p.listener.Close()
	p.become(cut)
	p.running.Wait()
}

// Heal ends whatever fault there is. What a black hole has swallowed is
// delivered late, as TCP would.
func (p *Proxy) Heal() {
	p.mu.Lock()
	p.latency, p.trap, p.swap = 0, trap{}, swap{}
	p.mu.Unlock()
	p.become(whole)
}

// Cut resets all connections and those to come.
func (p *Proxy) Cut() { p.become(cut) }

// BlackHole makes connections half-open: both ends believe in them and
// nothing gets through.
func (p *Proxy) BlackHole() { p.become(hole) }

// Reset resets the connections that there are; new ones are forwarded.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.resetAll()
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
	p.trap = trap{direction, []byte(pattern), n}
}

// Replace forwards to wherever from would be in this direction. They must be of one
// length, and from must come in one piece.
func (p *Proxy) Replace(direction Direction, from, to string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.swap = swap{direction, []byte(from), []byte(to)}
}

// Armed is how many of ResetOn's resets are still to come.
func (p *Proxy) Armed() int {
	p.mu.Lock()
	defer p.mu.Unlock()
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
	for client, server := range p.conns {
		reset(client, server)
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.AcceptTCP()
		if err != nil {
			return
		}
		p.running.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client *net.TCPConn) {
	if !p.open() {
		reset(client)
		return
	}
	conn, err := net.DialTimeout("tcp", p.target, 5*time.Second)
	if err != nil {
		reset(client)
		return
	}
	server := conn.(*net.TCPConn)
	p.mu.Lock()
	if p.state == cut {
		p.mu.Unlock()
		reset(client, server)
		return
	}
	p.conns[client] = server
	p.mu.Unlock()

	var both sync.WaitGroup
	both.Go(func() { p.forward(FromClient, client, server) })
	both.Go(func() { p.forward(FromServer, server, client) })
	both.Wait()

	p.mu.Lock()
	delete(p.conns, client)
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

// forward copies one direction until its end, which it passes on, and resets both
// connections where that fails.
func (p *Proxy) forward(d Direction, from, to *net.TCPConn) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			time.Sleep(p.delay())
			if p.open() && !p.sprung(d, buf[:n]) {
				_, err = to.Write(p.swapped(d, buf[:n])) // what Read returned beside data, it will return again
			} else {
				err = net.ErrClosed
			}
		}
		switch {
		case err == io.EOF:
			if p.open() {
				to.CloseWrite()
			}
			return
		case err != nil:
			reset(from, to)
			return
		}
	}
}

func (p *Proxy) delay() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.latency
}

func (p *Proxy) swapped(d Direction, data []byte) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.swap.from == nil || p.swap.direction != d {
		return data
	}
	return bytes.ReplaceAll(data, p.swap.from, p.swap.to)
}

func (p *Proxy) sprung(d Direction, data []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.trap; t.left == 0 || t.direction != d || !bytes.Contains(data, t.pattern) {
		return false
	}
	p.trap.left--
	return true
}
