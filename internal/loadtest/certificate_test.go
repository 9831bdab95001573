package loadtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A certificate is refused for what is wrong with it, each with its remedy.
func TestCertificates(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	loopback := []net.IP{net.IPv4(127, 0, 0, 1)}
	valid := func(from, to time.Duration) x509.Certificate {
		return x509.Certificate{NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(to), IPAddresses: loopback}
	}
	good, other, nobody, caller := valid(-time.Hour, time.Hour), valid(-time.Hour, time.Hour), valid(-time.Hour, time.Hour),
		valid(-time.Hour, time.Hour)
	other.IPAddresses, other.DNSNames = nil, []string{"other.example"}
	nobody.IPAddresses = nil
	caller.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	for name, test := range map[string]struct {
		template  x509.Certificate
		untrusted bool
		want      string // "": it is accepted
	}{
		"good":          {good, false, ""},
		"expired":       {valid(-2*time.Hour, -time.Hour), false, "certificate expired"},
		"not yet valid": {valid(time.Hour, 2*time.Hour), false, "certificate not valid yet; set the clocks right"},
		"another name":  {other, false, "it is of: other.example"},
		"no name":       {nobody, false, "it is of: –"},
		"untrusted":     {good, true, untrusted},
		"no server's":   {caller, false, "certificate not valid: "},
	} {
		t.Run(name, func(t *testing.T) {
			test.template.SerialNumber = big.NewInt(1)
			der, err := x509.CreateCertificate(rand.Reader, &test.template, &test.template, key.Public(), key)
			if err != nil {
				t.Fatal(err)
			}
			certificate, err := x509.ParseCertificate(der)
			if err != nil {
				t.Fatal(err)
			}
			s := httptest.NewUnstartedServer(okHandler)
			s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
			s.StartTLS()
			defer s.Close()
			c, _ := newConn(t, s.URL, nil)
			c.target.tls.RootCAs = x509.NewCertPool()
			if !test.untrusted {
				c.target.tls.RootCAs.AddCert(certificate)
			}
			_, err = c.exchangeNow(plainRequest)
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || !test.untrusted && strings.Contains(err.Error(), "--ca-file") {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
	plain := httptest.NewServer(okHandler)
	defer plain.Close()
	c, _ := newConn(t, strings.Replace(plain.URL, "http:", "https:", 1), nil)
	if _, err := c.exchangeNow(plainRequest); err == nil || !strings.Contains(err.Error(), "http://") {
		t.Errorf("https of a server without: %v, want what to write", err)
	}
}
