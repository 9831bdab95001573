package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// These tests write to the connection themselves, to send what no client does.

const postHead = "POST /messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"

func dial(t *testing.T, rep *replica) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", rep.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return conn.(*net.TCPConn)
}

func write(t *testing.T, conn net.Conn, s string) {
	t.Helper()
	if _, err := io.WriteString(conn, s); err != nil {
		t.Fatal(err)
	}
}

// readResponse reads one response to a POST.
func readResponse(t *testing.T, r *bufio.Reader) (*http.Response, string) {
	t.Helper()
	resp, err := http.ReadResponse(r, &http.Request{Method: "POST"})
	if err != nil {
		t.Fatal(err)
	}
	return resp, readAll(t, resp)
}

// trickle writes next() every few milliseconds until the peer is tired of it.
func trickle(conn net.Conn, next func() string) {
	for range time.Tick(5 * time.Millisecond) {
		if _, err := io.WriteString(conn, next()); err != nil {
			return
		}
	}
}

func wantClosed(t *testing.T, r io.Reader) {
	t.Helper()
	_, err := r.Read(make([]byte, 1))
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("reading on = %v, want the connection closed", err)
	}
}

func goesOn(t *testing.T, rep *replica, sent int64) {
	t.Helper()
	if got := rep.appends.Load(); got != sent {
		t.Errorf("Append was called %d times, want %d", got, sent)
	}
	w := rep.post(t, "after", t.Name())
	if own := w[len(w)-1]; own.Seq != sent+1 {
		t.Errorf("after it, seq = %d, want %d", own.Seq, sent+1)
	}
}

func TestHeadersByteByByte(t *testing.T) {
	t.Parallel()
	rep := start(t, Config{HeaderTimeout: short})
	conn := dial(t, rep)
	rest := postHead + strings.Repeat("X: y\r\n", 10000)
	go trickle(conn, func() string {
		next := rest[:1]
		rest = rest[1:]
		return next
	})
	// net/http may say 400 first, as it cannot tell a slow line from a bad one.
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection stays open")
	}
	goesOn(t, rep, 0)
}

func TestIdleConnection(t *testing.T) {
	t.Parallel()
	rep := start(t, Config{IdleTimeout: short, HeaderTimeout: short})
	wantClosed(t, dial(t, rep)) // before its first request

	conn := dial(t, rep)
	r := bufio.NewReader(conn)
	write(t, conn, postHead+"Content-Length: 25\r\n\r\n"+`{"sender":"a","text":"b"}`)
	if resp, got := readResponse(t, r); resp.StatusCode != 200 {
		t.Errorf("status = %s: %s, want 200", resp.Status, got)
	}
	wantClosed(t, r)
	goesOn(t, rep, 1)
}

func TestLargeHeaders(t *testing.T) {
	t.Parallel()
	rep := start(t, Config{})
	conn := dial(t, rep)
	go io.WriteString(conn, postHead+"X: "+strings.Repeat("y", 64<<10)+"\r\n\r\n")
	if resp, _ := readResponse(t, bufio.NewReader(conn)); resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status = %s, want 431", resp.Status)
	}
	goesOn(t, rep, 0)
}

func TestEndlessBody(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		head   string
		next   string // sent again and again, slowly
		status int
	}{
		{"slow chunks", postHead + "Transfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n", 408},
		{"large chunks", postHead + "Transfer-Encoding: chunked\r\n\r\n", "2000\r\n" + strings.Repeat(" ", 0x2000) + "\r\n", 413},
		{"one byte at a time", postHead + "Content-Length: 60000\r\n\r\n", " ", 408},
		{"too large, one byte at a time", postHead + "Content-Length: 65537\r\n\r\n", " ", 413},
		{"refused for its type", "POST /messages HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n", 415},
		{"with GET", "GET /nothing HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n", 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			timeout := short
			if tt.name == "large chunks" {
				timeout = patience // the limit is to be what ends them
			}
			rep := start(t, Config{ReadTimeout: timeout})
			conn := dial(t, rep)
			write(t, conn, tt.head)
			go trickle(conn, func() string { return tt.next })
			r := bufio.NewReader(conn)
			resp, got := readResponse(t, r)
			wantProblem(t, resp, got, tt.status, "", "not_stored", "")
			wantClosed(t, r)
			goesOn(t, rep, 0)
		})
	}
}

func TestContentLengthLies(t *testing.T) {
	t.Parallel()
	const body = `{"sender":"a","text":"b"}`
	rep := start(t, Config{ReadTimeout: short})

	t.Run("too long, and the connection stays open", func(t *testing.T) {
		conn := dial(t, rep)
		write(t, conn, postHead+"Content-Length: 100\r\n\r\n"+body)
		r := bufio.NewReader(conn)
		resp, got := readResponse(t, r)
		wantProblem(t, resp, got, 408, "", "not_stored", "in time")
		wantClosed(t, r)
		goesOn(t, rep, 0)
	})
	t.Run("too long, and the sender is done", func(t *testing.T) {
		conn := dial(t, rep)
		write(t, conn, postHead+"Content-Length: 100\r\n\r\n"+body)
		conn.CloseWrite()
		r := bufio.NewReader(conn)
		resp, got := readResponse(t, r)
		wantProblem(t, resp, got, 400, "malformed-request", "not_stored", "shorter than announced")
		wantClosed(t, r)
		goesOn(t, rep, 1)
	})
	t.Run("too short", func(t *testing.T) {
		conn := dial(t, rep)
		write(t, conn, postHead+"Content-Length: 24\r\n\r\n"+body+"\r\n\r\n")
		r := bufio.NewReader(conn)
		resp, got := readResponse(t, r)
		wantProblem(t, resp, got, 400, "malformed-request", "not_stored", "breaks off")
		if resp, _ := readResponse(t, r); resp.StatusCode != 400 { // what follows is no request
			t.Errorf("status = %s, want 400", resp.Status)
		}
		wantClosed(t, r)
		goesOn(t, rep, 2)
	})
	t.Run("far too long", func(t *testing.T) {
		conn := dial(t, rep)
		write(t, conn, postHead+"Content-Length: 9999999999\r\n\r\n"+body)
		r := bufio.NewReader(conn)
		resp, got := readResponse(t, r)
		wantProblem(t, resp, got, 413, "", "not_stored", "64 KiB")
		wantClosed(t, r)
		goesOn(t, rep, 3)
	})
	t.Run("twice", func(t *testing.T) {
		conn := dial(t, rep)
		write(t, conn, postHead+"Content-Length: 25\r\nContent-Length: 26\r\n\r\n"+body)
		if resp, _ := readResponse(t, bufio.NewReader(conn)); resp.StatusCode != 400 {
			t.Errorf("status = %s, want 400", resp.Status)
		}
		goesOn(t, rep, 4)
	})
}

func TestChunkedBody(t *testing.T) {
	t.Parallel()
	rep := start(t, Config{})
	head := postHead + "Transfer-Encoding: chunked\r\n\r\n"
	chunked := func(body string) string { return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body) }
	const body = `{"sender":"a","text":"b"}`

	conn := dial(t, rep)
	r := bufio.NewReader(conn)
	write(t, conn, head+chunked(pad(body, 64<<10)))
	if resp, got := readResponse(t, r); resp.StatusCode != 200 {
		t.Errorf("64 KiB: status = %s: %s, want 200", resp.Status, got)
	}
	write(t, conn, head+chunked(body)) // on the same connection
	if resp, got := readResponse(t, r); resp.StatusCode != 200 {
		t.Errorf("status = %s: %s, want 200", resp.Status, got)
	}
	write(t, conn, head+chunked(pad(body, 64<<10+1)))
	resp, got := readResponse(t, r)
	wantProblem(t, resp, got, 413, "", "not_stored", "64 KiB")
	wantClosed(t, r)

	conn = dial(t, rep)
	write(t, conn, head+"zz\r\n")
	resp, got = readResponse(t, bufio.NewReader(conn))
	wantProblem(t, resp, got, 400, "malformed-request", "not_stored", "chunks are malformed")
	goesOn(t, rep, 2)
}

// The deadline for reading a request must not cut off one whose message is being
// stored: net/http goes on reading then, to notice a caller who hangs up.
func TestStoringOutlastsReadTimeout(t *testing.T) {
	t.Parallel()
	rep := start(t, Config{ReadTimeout: short, Log: slowLog(t, 2*short)})
	resp, got := rep.do(t, "POST", "/messages", `{"sender":"a","text":"b"}`, asJSON())
	if resp.StatusCode != 200 {
		t.Errorf("status = %s: %s, want 200", resp.Status, got)
	}
}
