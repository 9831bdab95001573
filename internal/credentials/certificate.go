package credentials

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"time"
)

// A Certificate is a TLS certificate with its chain and key, in two PEM files.
type Certificate struct {
	watched *watched[*tls.Certificate]
}

// OpenCertificate reads the files. They can be replaced one after the other: while
// they do not match, the last pair that did is used.
func OpenCertificate(certFile, keyFile string, logger *slog.Logger) (*Certificate, error) {
	w, err := watch(logger, func(contents [][]byte) (*tls.Certificate, error) {
		pair, err := tls.X509KeyPair(contents[0], contents[1])
		return &pair, err
	}, certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("the TLS certificate in %s and %s cannot be used: %w", certFile, keyFile, err)
	}
	c := &Certificate{w}
	if expiry := c.Expiry(); time.Now().After(expiry) {
		logger.Warn("the TLS certificate has expired", "path", certFile, "expiry", expiry)
	}
	return c, nil
}

// Get is for tls.Config.GetCertificate.
func (c *Certificate) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.watched.get(), nil
}

// Expiry returns when the certificate expires.
func (c *Certificate) Expiry() time.Time { return c.watched.get().Leaf.NotAfter }
