package loadtest

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A sendError is an exchange that gave no answer.
type sendError struct {
	reason string // a few words that group well
	unsent bool   // no byte of the request was sent
}

func (e *sendError) Error() string { return e.reason }

// Reason says why net/http got no answer, in the words in which a run does.
func Reason(err error) string {
	op, ok := errors.AsType[*net.OpError](err)
	_, notTLS := errors.AsType[tls.RecordHeaderError](err)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case ok && op.Op == "dial", notTLS, untrusted:
		return dialReason(err)
	case errors.Is(err, io.EOF):
		return "closed before the answer"
	}
	return brokenReason(err, "malformed HTTP answer")
}

func dialReason(err error) string {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return Refused
	}
	if isTimeout(err) {
		return "timeout while connecting"
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "host name not found"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		if sys, ok := errors.AsType[syscall.Errno](err); ok {
			return "cannot connect: " + sys.Error()
		}
		return "cannot connect"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "no TLS spoken there; write http:// instead of https://"
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return certificateReason(e.Err)
	}
	return "TLS handshake failed"
}

// Refused is the reason if no server is running.
const Refused = "connection refused"

const untrusted = "certificate not trusted; --ca-file names one that is"

// certificateReason says why a certificate was refused, and what to do.
func certificateReason(err error) string {
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		names := slices.Clone(e.Certificate.DNSNames)
		for _, ip := range e.Certificate.IPAddresses {
			names = append(names, ip.String())
		}
		const few = 5
		if len(names) > few {
			names = append(names[:few], "…")
		}
		return "certificate of another host, and not of the one in the URL; it is of: " + cmp.Or(strings.Join(names, ", "), "–")
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		switch {
		case e.Reason == x509.Expired && time.Now().Before(e.Cert.NotBefore):
			return "certificate not valid yet; set the clocks right, or wait until: " + e.Cert.NotBefore.UTC().Format(time.RFC3339)
		case e.Reason == x509.Expired:
			return "certificate expired; the server needs a new one since: " + e.Cert.NotAfter.UTC().Format(time.RFC3339)
		}
		return "certificate not valid: " + strings.TrimPrefix(e.Error(), "x509: ")
	}
	return untrusted
}

// brokenReason names a time-out, a reset or a cut-off; otherwise is the name of
// any other error.
func brokenReason(err error, otherwise string) string {
	switch {
	case isTimeout(err):
		return "timeout"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection reset"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "answer cut off"
	}
	return otherwise
}

func isTimeout(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, syscall.ETIMEDOUT) || os.IsTimeout(err)
}
