package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"dummymessenger/internal/messenger"
)

// healthTimeout is longer than /readyz's own.
const healthTimeout = 4 * time.Second

// checkHealth returns an error unless a replica answers a GET of address, its /readyz
// or /livez, with 200. It asks the server itself, through no proxy, and follows no
// redirect. It is part of the server because an image that holds nothing else has no
// curl.
func checkHealth(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	transport := &http.Transport{
		DisableKeepAlives: true,
		// A certificate is for the server's public name, if any, and on this machine
		// only the server can answer.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: isThisMachine(request.URL)},
	}
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1024))
	if answer.StatusCode != http.StatusOK {
		return errors.Join(fmt.Errorf("%s: %s %s", address, answer.Status, strings.TrimSpace(string(body))), err)
	}
	if err != nil {
		return err
	}
	if answer.Header.Get(messenger.ReplicaHeader) == "" || string(body) != "ok\n" {
		return fmt.Errorf("%s: this is no answer of a replica's /readyz or /livez", address)
	}
	return nil
}

// isThisMachine reports whether u leads to this machine.
func isThisMachine(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && (ip.IsLoopback() || ip.IsUnspecified())
}
