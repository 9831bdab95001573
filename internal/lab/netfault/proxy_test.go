package netfault

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// echo is a server that sends back what it gets.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
	return l.Addr().String()
}

func dial(t *testing.T, p *Proxy) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// exchange sends text and returns what came back within the time.
func exchange(c net.Conn, text string, within time.Duration) (string, error) {
	c.SetDeadline(time.Now().Add(within))
	if _, err := io.WriteString(c, text); err != nil {
		return "", err
	}
	buf := make([]byte, len(text))
	_, err := io.ReadFull(c, buf)
	return string(buf), err
}

const soon = 20 * time.Second

func TestProxy(t *testing.T) {
	t.Parallel()
	p, err := Listen(echo(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	works := func(c net.Conn) {
		t.Helper()
		if got, err := exchange(c, "ping", soon); got != "ping" || err != nil {
			t.Fatalf("exchange = %q, %v, want ping", got, err)
		}
	}
	isReset := func(c net.Conn, text string) {
		t.Helper()
		_, err := exchange(c, text, soon)
		if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
			t.Fatalf("error = %v, want a reset", err)
		}
	}

	c := dial(t, p)
	works(c)

	p.Delay(30 * time.Millisecond)
	began := time.Now()
	works(c)
	if took := time.Since(began); took < 60*time.Millisecond {
		t.Errorf("an exchange took %v, want two delays at least", took)
	}
	p.Heal()

	p.BlackHole()
	if _, err := exchange(c, "lost", 50*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("error in a black hole = %v, want a time-out", err)
	}
	p.Heal()
	c.SetDeadline(time.Now().Add(soon))
	if buf := make([]byte, 4); true {
		if _, err := io.ReadFull(c, buf); err != nil || string(buf) != "lost" {
			t.Fatalf("after the black hole came %q, %v, want what it held up", buf, err)
		}
	}

	p.Reset()
	isReset(c, "x")

	for _, d := range []Direction{FromClient, FromServer} {
		c = dial(t, p)
		works(c)
		p.ResetOn(d, "commit", 1)
		works(c)
		isReset(c, "a commit!")
		if n := p.Armed(); n != 0 {
			t.Errorf("Armed = %d, want 0", n)
		}
	}

	c = dial(t, p)
	works(c)
	p.Cut()
	isReset(c, "x")
	if c, err := net.Dial("tcp", p.Addr()); err == nil { // the reset may also come at once
		t.Cleanup(func() { c.Close() })
		isReset(c, "x")
	} else if !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("dial after a cut: %v, want a reset", err)
	}
	p.Heal()
	works(dial(t, p))
}
