package loadtest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"dummymessenger/internal/messenger"
	"dummymessenger/internal/verify"
)

const (
	// idleLimit is how long a connection may lie unused. Servers close idle
	// connections, and a request that meets such a close has an unknown outcome;
	// common limits are 2 seconds and up.
	idleLimit = time.Second

	// lookAfter is how long a connection may lie unused before a look whether
	// the server has closed it is worth a system call. A server that restarts
	// closes them at any time.
	lookAfter = 50 * time.Millisecond

	// maxBody is more than ten messages of 4096 characters take, each character
	// written as a pair of \u escapes.
	maxBody = 1 << 20
)

// A response is one complete answer. Its body is valid until the next exchange
// on the same connection.
type response struct {
	status     int
	retryAfter string
	location   string
	body       []byte
	by         *verify.Identity // who answered, if it says so
}

// A conn is a worker's keep-alive connection to one replica; it is opened when
// it is first needed.
//
// It does what net/http's Transport cannot be told to do: it never sends a
// request a second time (Transport resends a POST that has an Idempotency-Key
// when a kept-alive connection breaks), and it knows whether any byte of the
// request may have left, which separates "failed" from "unknown".
type conn struct {
	target *target
	opened func() // called after each connect

	nc       net.Conn // nil while there is none
	br       *bufio.Reader
	deadline time.Time // that nc has; zero if none
	lastUsed time.Time // to be set after each exchange
	used     bool      // there was an exchange on nc
	body     bytes.Buffer

	field string           // the last messenger.ReplicaHeader on nc
	by    *verify.Identity // who that is
}

// usable reports whether there is a connection that the server has not closed.
func (c *conn) usable(now time.Time) bool {
	if c.nc == nil {
		return false
	}
	idle := now.Sub(c.lastUsed)
	// Unsolicited bytes mean that the server is closing the connection, as
	// with 408.
	return idle < idleLimit && c.br.Buffered() == 0 && (idle < lookAfter || !c.hungUp())
}

// hungUp reports whether an idle connection has ended, or holds unsolicited bytes.
func (c *conn) hungUp() bool {
	nc := c.nc
	if tc, ok := nc.(*tls.Conn); ok {
		nc = tc.NetConn()
	}
	came, ended := peek(nc)
	return ended || came && (c.target.tls == nil || c.used) // a new TLS connection has session tickets to read
}

// connect makes a connection if there is no usable one.
func (c *conn) connect(now, deadline time.Time) error {
	if c.usable(now) {
		return nil
	}
	c.close()
	nc, err := (&net.Dialer{Deadline: deadline}).Dial("tcp", c.target.address)
	if err != nil {
		return err
	}
	if c.target.tls != nil {
		tc := tls.Client(nc, c.target.tls)
		tc.SetDeadline(deadline)
		if err := tc.Handshake(); err != nil {
			nc.Close()
			return err
		}
		nc = tc
	}
	c.nc, c.deadline, c.used = nc, time.Time{}, false
	if c.br == nil {
		c.br = bufio.NewReaderSize(nc, 16<<10)
	} else {
		c.br.Reset(nc)
	}
	c.lastUsed = now
	c.opened()
	return nil
}

func (c *conn) close() {
	if c.nc != nil {
		c.nc.Close()
		c.nc = nil
	}
}

// exchange sends request, once, and reads the answer. It gives up after timeout,
// or a sixteenth later. Its error is a *sendError.
func (c *conn) exchange(request []byte, now time.Time, timeout time.Duration) (response, error) {
	deadline := now.Add(timeout)
	if err := c.connect(now, deadline); err != nil {
		return response{}, &sendError{reason: dialReason(err), unsent: true}
	}
	// Setting a deadline costs as much as building a request, so one serves
	// several of them.
	if c.deadline.Before(deadline) {
		c.deadline = deadline.Add(timeout / 16)
		c.nc.SetDeadline(c.deadline)
	}
	if n, err := c.nc.Write(request); err != nil {
		// TLS does not report partial writes, so some bytes may have left.
		unsent := n == 0 && c.target.tls == nil
		c.close()
		return response{}, &sendError{reason: brokenReason(err, "sending broke off"), unsent: unsent}
	}
	r, keep, err := c.read()
	c.used = true
	// After an error of theirs some servers close the connection and do not say so.
	// The next request on it would have an unknown outcome. Ours say it.
	if err != nil || !keep || r.status >= 500 && r.by == nil {
		c.close()
	}
	return r, err
}

// read reads one answer and reports whether the connection can be used again.
func (c *conn) read() (response, bool, error) {
	if _, err := c.br.Peek(1); err != nil {
		return response{}, false, &sendError{reason: brokenReason(err, "closed before the answer")}
	}
	if r, ok, err := c.readPlain(); ok || err != nil {
		return r, true, err
	}
	var h *http.Response
	for {
		var err error
		if h, err = http.ReadResponse(c.br, nil); err != nil {
			return response{}, false, &sendError{reason: brokenReason(err, "malformed HTTP answer")}
		}
		if h.StatusCode >= 200 { // interim answers come before the one
			break
		}
	}
	c.body.Reset()
	n, err := c.body.ReadFrom(io.LimitReader(h.Body, maxBody+1))
	switch {
	case err != nil:
		return response{}, false, &sendError{reason: brokenReason(err, "malformed HTTP answer")}
	case n > maxBody:
		return response{}, false, &sendError{reason: "answer of more than 1 MiB"}
	}
	by := c.meet([]byte(h.Header.Get(messenger.ReplicaHeader)))
	return response{h.StatusCode, h.Header.Get("Retry-After"), h.Header.Get("Location"), c.body.Bytes(), by}, !h.Close, nil
}

// readPlain reads the form of nearly all answers: a 200 with a Content-Length.
// It reads nothing and returns false if anything is different. Then net/http
// parses the answer, which costs a tenth of the processor time of a request.
func (c *conn) readPlain() (r response, ok bool, err error) {
	buffered, _ := c.br.Peek(c.br.Buffered())
	end := bytes.Index(buffered, []byte("\r\n\r\n"))
	lines, ok := bytes.CutPrefix(buffered[:max(0, end)], []byte("HTTP/1.1 200 OK\r\n"))
	if !ok {
		return r, false, nil
	}
	length, replica := int64(-1), []byte(nil)
	for line := range bytes.SplitSeq(lines, []byte("\r\n")) {
		name, value, ok := bytes.Cut(line, []byte(":"))
		switch {
		case !ok, !isPlain(name, value), bytes.EqualFold(name, []byte("Connection")), bytes.EqualFold(name, []byte("Transfer-Encoding")):
			return r, false, nil
		case bytes.EqualFold(name, []byte("Content-Length")):
			n, err := strconv.ParseUint(string(bytes.Trim(value, " \t")), 10, 31)
			if err != nil || length >= 0 || n > maxBody {
				return r, false, nil
			}
			length = int64(n)
		case bytes.EqualFold(name, []byte(messenger.ReplicaHeader)):
			replica = bytes.Trim(value, " \t")
		}
	}
	if length < 0 {
		return r, false, nil
	}
	by := c.meet(replica)
	c.br.Discard(end + len("\r\n\r\n")) // cannot fail: it is buffered
	c.body.Reset()
	c.body.Grow(int(length))
	body := c.body.AvailableBuffer()[:length]
	if _, err := io.ReadFull(c.br, body); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return r, false, &sendError{reason: brokenReason(err, "malformed HTTP answer")}
	}
	return response{status: http.StatusOK, body: body, by: by}, true, nil
}

// meet returns the identity in a messenger.ReplicaHeader.
func (c *conn) meet(field []byte) *verify.Identity {
	if len(field) == 0 || c.target == nil || c.target.meet == nil {
		return nil
	}
	if c.field != string(field) {
		c.field = string(field)
		c.by = c.target.meet(c.field)
	}
	return c.by
}

// isPlain reports whether a header field is of letters, digits and hyphens, and
// its value without control characters.
func isPlain(name, value []byte) bool {
	for _, b := range name {
		if (b|0x20 < 'a' || b|0x20 > 'z') && (b < '0' || b > '9') && b != '-' {
			return false
		}
	}
	for _, b := range value {
		if b < ' ' || b == 0x7f {
			return false
		}
	}
	return len(name) > 0
}
