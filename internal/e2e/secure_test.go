package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dummymessenger/internal/lab"
)

// An authority signs the servers' certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert, a.key = a.make(template, 1)
	return a
}

// make signs template by the authority, or by its own key if there is none yet.
func (a *authority) make(template *x509.Certificate, serial int64) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(a.t, err)
	template.SerialNumber = big.NewInt(serial)
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	must(a.t, err)
	cert, err := x509.ParseCertificate(der)
	must(a.t, err)
	return cert, key
}

// issue puts a new certificate for 127.0.0.1 and its key into the two files,
// one after the other, as whoever renews one does.
func (a *authority) issue(certFile, keyFile string, serial int64) {
	a.t.Helper()
	cert, key := a.make(&x509.Certificate{
		Subject:     pkix.Name{CommonName: "test server"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, serial)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	must(a.t, err)
	replace(a.t, certFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})))
	replace(a.t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
}

// replace gives a file new content in one step.
func replace(t *testing.T, path, content string) {
	t.Helper()
	must(t, os.WriteFile(path+".new", []byte(content), 0o600))
	must(t, os.Rename(path+".new", path))
}

// client runs the client and returns what it said and its exit status.
func client(t *testing.T, args ...string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program("client"), args...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// Replicas that speak TLS and ask for a token, and the real client. The
// certificate and the token are replaced under load, and no request fails.
func TestSecured(t *testing.T) {
	t.Parallel()
	const (
		oldToken = "old-token-0123456789abcdef"
		newToken = "new-token-0123456789abcdef"
	)
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	ca := newAuthority(t)
	replace(t, file("ca.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw})))
	ca.issue(file("cert.pem"), file("key.pem"), 100)
	replace(t, file("tokens"), oldToken+"\n")
	replace(t, file("old"), oldToken)
	replace(t, file("new"), newToken)
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)

	db := sqliteDatabase(filepath.Join(t.ArtifactDir(), "messages.db"))
	rs := startAs(t, 2, lab.ReplicaConfig{
		Database: db.url, RootCAs: roots,
		Args: []string{"--tls-cert", file("cert.pem"), "--tls-key", file("key.pem"), "--token-file", file("tokens")},
	})
	urls := rs.urls()

	// Each message over a connection of its own, so that each one meets the
	// certificate of the moment.
	stranger := &http.Client{Timeout: patience, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true,
	}}
	say := func(url, token string) (status int, serial int64) {
		const body = `{"sender":"stranger","text":"hello"}`
		request, err := http.NewRequestWithContext(t.Context(), "POST", url+"/messages", strings.NewReader(body))
		if err != nil {
			t.Error(err)
			return 0, 0
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+token)
		r, err := stranger.Do(request)
		if err != nil {
			t.Error(err)
			return 0, 0
		}
		r.Body.Close()
		return r.StatusCode, r.TLS.PeerCertificates[0].SerialNumber.Int64()
	}

	var running sync.WaitGroup
	stop := make(chan struct{})
	stopLoad := sync.OnceFunc(func() { close(stop); running.Wait() })
	defer stopLoad()
	strangers := 0
	running.Go(func() {
		for ; ; strangers++ {
			select {
			case <-stop:
				return
			default:
			}
			if status, _ := say(urls[strangers%2], oldToken); status != http.StatusOK {
				t.Errorf("status %d while credentials were replaced, want 200", status)
			}
		}
	})
	var measured string
	var status int
	running.Go(func() {
		args := []string{"--duration", "5s", "--workers", "8", "--ca-file", file("ca.pem"), "--token-file", file("old")}
		measured, status = client(t, append(args, urls...)...)
	})

	for serial := int64(101); serial <= 103; serial++ {
		ca.issue(file("cert.pem"), file("key.pem"), serial)
		for _, url := range urls {
			eventually(t, "the new certificate is shown", func() bool { _, got := say(url, oldToken); return got == serial })
		}
	}
	replace(t, file("tokens"), oldToken+"\n"+newToken+"\n")
	for _, url := range urls {
		eventually(t, "the new token is known", func() bool { status, _ := say(url, newToken); return status == http.StatusOK })
	}
	args := []string{"--per-worker", "5", "--ca-file", file("ca.pem"), "--token-file", file("new")}
	if out, status := client(t, append(args, urls...)...); status != 0 {
		t.Errorf("the client with the new token: exit status %d:\n%s", status, out)
	}
	stopLoad()
	if status != 0 || !strings.Contains(measured, "VERIFIED") {
		t.Errorf("the client with the old token: exit status %d:\n%s", status, measured)
	}
	t.Logf("%d messages over connections of their own, none failed; the client's run:\n%s", strangers, measured)

	replace(t, file("tokens"), newToken+"\n")
	for _, url := range urls {
		eventually(t, "the old token is withdrawn", func() bool {
			status, _ := say(url, oldToken)
			return status == http.StatusUnauthorized
		})
	}
	before := len(db.table(t))
	for name, args := range map[string][]string{
		"an old token":    {"--ca-file", file("ca.pem"), "--token-file", file("old")},
		"no token":        {"--ca-file", file("ca.pem")},
		"no trust in us":  {"--token-file", file("new")},
		"nothing but TLS": {},
	} {
		out, status := client(t, append(append([]string{"--per-worker", "1"}, args...), urls...)...)
		if status == 0 {
			t.Errorf("the client with %s: exit status 0:\n%s", name, out)
		}
		if strings.Contains(out, oldToken) || strings.Contains(out, newToken) {
			t.Errorf("the client with %s shows a token:\n%s", name, out)
		}
	}
	if after := len(db.table(t)); after != before {
		t.Errorf("%d messages of clients without credentials are stored", after-before)
	}
}
