package server

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// A site can have a name of its own lead to its visitor's machine (DNS
// rebinding). Its page is then of the same origin as a server there that asks
// for no token, but for the name: nobody else calls this machine by that.
// Browsers tell a page's origin with whatever it posts, but not when it reads from
// its own site, and leave Sec-Fetch-Site out where the page came without TLS, as
// such a one must have.

// ownName has next answer unless r comes from such a page, or asks for messages
// and may come from one.
func (s *Server) ownName(next http.Handler) http.Handler {
	refuse := s.answering(func(*response, *http.Request) error {
		return &refusal{problem: crossOrigin, detail: "this server answers under the name localhost or an address only; " +
			"to reach it under another name, start it with --token-file, or use a proxy with TLS"}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.local && mayBeFromPage(r) && r.Header.Get("Sec-Fetch-Site") == "" && !namesThisMachine(r.Host) {
			refuse.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// mayBeFromPage: browsers always tell a Host, which HTTP/1.0 lets others leave out.
func mayBeFromPage(r *http.Request) bool {
	return r.Host != "" && (r.Header.Get("Origin") != "" || r.URL.Path == "/events" || r.URL.Path == "/history")
}

// isLocal tells whether only this machine can reach addr.
func isLocal(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// namesThisMachine tells whether host, of a Host header, is an address or a
// name that no DNS is asked for (RFC 6761, section 6.3).
func namesThisMachine(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	_, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil
}
