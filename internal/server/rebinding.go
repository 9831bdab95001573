package server

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// checkHost rejects possible DNS-rebinding requests, which a page sends after its own
// host name was made to resolve to this machine. It does so only while no token is
// needed.
//
// Subtleness ahead! The browser considers such a page to be of our origin. Only the
// Host header gives it away, for honest callers do not use that name for this machine.
// Browsers send Origin with a POST but not with a same-origin read. They omit
// Sec-Fetch-Site on pages without TLS, and a rebinding page cannot have TLS.
func (s *Server) checkHost(next http.Handler) http.Handler {
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

// mayBeFromPage reports whether a page can have sent r and would learn or post
// messages by it. Browsers always send Host; in HTTP/1.0 others may leave it out.
func mayBeFromPage(r *http.Request) bool {
	return r.Host != "" && (r.Header.Get("Origin") != "" || r.URL.Path == "/events" || r.URL.Path == "/history")
}

// isLocal reports whether only this machine can reach addr.
func isLocal(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// namesThisMachine reports whether host, of a Host header, is an address or a
// name that is not looked up in DNS (RFC 6761, section 6.3).
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
