package loadtest

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"dummymessenger/internal/verify"
)

// A target is one replica, prepared for dialling.
type target struct {
	url     string // as given
	server  string // equal for URLs that can only lead to one server
	address string // host:port
	host    string // for the Host field
	path    string // base path and the profile's
	token   string // bearer token; empty for none
	tls     *tls.Config

	meet func(field string) *verify.Identity // identity in a messenger.ReplicaHeader; may be nil
}

func newTarget(raw, path string) (*target, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is not a URL like http://127.0.0.1:8001", raw)
	}
	if u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("%q: give scheme, host and base path only", raw)
	}
	// The zone of a link-local address says which interface leads there, and
	// nothing to the server (RFC 6874, section 4).
	host, zone, _ := strings.Cut(u.Hostname(), "%")
	t := &target{url: raw, host: u.Host, path: strings.TrimSuffix(u.EscapedPath(), "/") + path}
	if strings.Contains(host, ":") {
		t.host = "[" + host + "]" + strings.TrimSuffix(":"+u.Port(), ":")
	}
	port, err := strconv.ParseUint(cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme]), 10, 16)
	if err != nil || port == 0 {
		return nil, fmt.Errorf("%q: a port is a number from 1 to 65535", raw)
	}
	if u.Scheme == "https" {
		t.tls = &tls.Config{ServerName: host, NextProtos: []string{"http/1.1"}}
	}
	t.address = net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), u.Scheme))
	name := strings.TrimSuffix(strings.ToLower(host), ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		name = ip.Unmap().String()
	}
	t.server = fmt.Sprintf("%s %s %s %d %s", u.Scheme, name, zone, port, strings.TrimRight(u.Path, "/"))
	return t, nil
}

// wantsTLS sends a plain-HTTP OPTIONS request, which changes nothing (RFC 9110,
// section 9.3.7), and reports whether the answer is that of a TLS-only server.
// The requests of the run report any other error.
func (t *target) wantsTLS(deadline time.Time) bool {
	answer := t.options("*", deadline)
	if bytes.HasPrefix(answer, []byte("HTTP/1.1 400 ")) { // nginx takes no *
		answer = t.options("/", deadline)
	}
	return plainToTLS.Match(answer)
}

// options returns the answer to an OPTIONS request on a connection of its own,
// or as much of it as came.
func (t *target) options(resource string, deadline time.Time) (answer []byte) {
	nc, err := (&net.Dialer{Deadline: deadline}).Dial("tcp", t.address)
	if err != nil {
		return nil
	}
	defer nc.Close()
	nc.SetDeadline(deadline)
	fmt.Fprintf(nc, "OPTIONS %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: dummymessenger-client\r\nConnection: close\r\n\r\n", resource, t.host)
	answer, _ = io.ReadAll(io.LimitReader(nc, 4<<10))
	return answer
}

// plainToTLS matches what Go, nginx and Apache answer to plain HTTP on a TLS
// port, and a TLS alert (RFC 8446, section 6).
var plainToTLS = regexp.MustCompile(`(?s)^HTTP/1\.[01] 400 .*(to an HTTPS server|to HTTPS port|to an SSL-enabled server port)|^\x15\x03`)
