package credentials

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	first  = "first-0123456789abcdef"
	second = "second/0123456789+abc=="
)

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// look makes w read its files at the next call, as if a second had passed.
func look[T any](w *watched[T]) { w.due.Store(0) }

func TestTokens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	write(t, path, "\ufeff# of the client\r\n"+first+"\r\n\n  "+second+"  \n")
	var log bytes.Buffer
	tokens, err := OpenTokens(path, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	valid := func(want map[string]bool) {
		t.Helper()
		for token, want := range want {
			if got := tokens.Valid(token); got != want {
				t.Errorf("Valid(%q) = %v, want %v", token, got, want)
			}
		}
	}
	valid(map[string]bool{first: true, second: true, "": false, first[1:]: false, first + " ": false, "# of the client": false})
	if got, err := ReadToken(path); got != first || err != nil {
		t.Errorf("ReadToken() = %q, %v, want %q", got, err, first)
	}

	write(t, path, second)              // the first one is withdrawn
	valid(map[string]bool{first: true}) // not looked at yet
	look(tokens.watched)
	valid(map[string]bool{first: false, second: true})

	for name, breakIt := range map[string]func(){
		"a line that is no token": func() { write(t, path, second+"\nzwei Wörter\n") },
		"no file":                 func() { os.Remove(path) },
	} {
		log.Reset()
		breakIt()
		for range 3 {
			look(tokens.watched)
			valid(map[string]bool{second: true})
		}
		if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
			t.Errorf("%s: logged %d times, want once:\n%s", name, n, log.String())
		}
	}
	write(t, path, "# nobody\n")
	look(tokens.watched)
	valid(map[string]bool{second: false, "": false})
	write(t, path, first)
	look(tokens.watched)
	valid(map[string]bool{first: true, second: false})
	for _, secret := range []string{first, second, "Wörter"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log shows %q:\n%s", secret, log.String())
		}
	}
}

// Each outage is logged once, also one like the last.
func TestOutages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	write(t, path, first)
	var log bytes.Buffer
	tokens, err := OpenTokens(path, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for outage := 1; outage <= 2; outage++ {
		os.Remove(path)
		for range 3 {
			look(tokens.watched)
			tokens.Valid(first)
		}
		if n := strings.Count(log.String(), "level=ERROR"); n != outage {
			t.Errorf("logged %d times in outage %d:\n%s", n, outage, log.String())
		}
		write(t, path, first)
		look(tokens.watched)
		if !tokens.Valid(first) {
			t.Errorf("the token does not hold after outage %d", outage)
		}
	}
}

func TestTokensAtStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	for _, tt := range []struct {
		content    string
		mode       os.FileMode
		err, warns string
	}{
		{"", 0o600, "holds no token", ""},
		{"# none\n", 0o600, "holds no token", ""},
		{"a b", 0o600, "line 1", ""},
		{first + "\n===", 0o600, "line 2", ""},
		{"short", 0o600, "", "can be guessed"},
		{first, 0o644, "", "every user"},
		{first, 0o640, "", ""},
	} {
		os.Remove(path)
		write(t, path, tt.content)
		if err := os.Chmod(path, tt.mode); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		_, err := OpenTokens(path, slog.New(slog.NewTextHandler(&log, nil)))
		if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("OpenTokens of %q: %v, want %q", tt.content, err, tt.err)
		}
		if err == nil && (tt.warns == "" && log.Len() > 0 || !strings.Contains(log.String(), tt.warns)) {
			t.Errorf("OpenTokens of %q, mode %v, logs %q, want %q", tt.content, tt.mode, log.String(), tt.warns)
		}
	}
	var log bytes.Buffer
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenTokens(dir, slog.New(slog.NewTextHandler(&log, nil))); err == nil ||
		strings.Count(err.Error()+log.String(), "directory") != 1 || log.Len() > 0 {
		t.Errorf("OpenTokens of a directory: %v, want one word of that, and nothing in the log: %s", err, &log)
	}
	if _, err := OpenTokens(path+"x", slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a file that is not there was read")
	}
}

// makeCertificate returns a certificate that vouches for itself, and its key.
func makeCertificate(t *testing.T, serial int64) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

// A real handshake after each change.
func TestCertificate(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	cert1, key1 := makeCertificate(t, 1)
	cert2, key2 := makeCertificate(t, 2)
	write(t, certFile, cert1)
	write(t, keyFile, key1)
	c, err := OpenCertificate(certFile, keyFile, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(c.Expiry()); left < 50*time.Minute || left > time.Hour {
		t.Errorf("it is valid for %v, want an hour", left)
	}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: c.Get})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			conn.(*tls.Conn).Handshake()
			conn.Close()
		}
	}()
	shows := func(want int64) {
		t.Helper()
		look(c.watched)
		conn, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if got := conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64(); got != want {
			t.Errorf("certificate %d, want %d", got, want)
		}
	}
	shows(1)
	write(t, certFile, cert2) // half of the change
	shows(1)
	write(t, keyFile, key2)
	shows(2)
	write(t, keyFile, "not a key")
	shows(2)
	os.Remove(certFile)
	shows(2)
	write(t, certFile, cert1)
	write(t, keyFile, key1)
	shows(1)

	if _, err := OpenCertificate(certFile, filepath.Join(dir, "none"), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a key that is not there was read")
	}
}
