package main

import (
	"crypto/x509"
	"fmt"

	"dummymessenger/internal/credentials"
	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/program"
)

// secure adds what --token-file and --ca-file name to cfg.
func (c *runCmd) secure(cfg *loadtest.Config) (err error) {
	if c.TokenFile != "" {
		if cfg.Token, err = credentials.ReadToken(c.TokenFile); err != nil {
			return err
		}
	}
	if c.CAFile != "" {
		pem, err := program.ReadText(c.CAFile)
		if err != nil {
			return err
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("%s holds no certificate in PEM form", c.CAFile)
		}
	}
	return nil
}
