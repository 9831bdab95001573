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
	"strconv"
	"strings"
	"time"

	"dummymessenger/internal/messenger"
)

// healthTimeout is longer than /readyz's own.
const healthTimeout = 4 * time.Second

// healthURL returns the URL that --healthcheck names: a URL without a path, or HOST:PORT,
// means /readyz.
func healthURL(value string) (string, error) {
	address, hasScheme := value, strings.Contains(value, "://")
	if !hasScheme {
		address = "http://" + value
	}
	u, err := url.Parse(address)
	if err == nil && u.Path == "" && u.RawQuery == "" {
		u.Path = "/readyz"
	}
	if err == nil && u.Hostname() == "" && u.Port() != "" {
		u.Host = net.JoinHostPort("127.0.0.1", u.Port())
	}
	port, portErr := 1, error(nil)
	if err == nil && u.Port() != "" {
		port, portErr = strconv.Atoi(u.Port())
	}
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" ||
		!hasScheme && u.Port() == "" || portErr != nil || port < 1 || port > 65535 {
		return "", fmt.Errorf("--healthcheck is %q; write a URL, as in http://127.0.0.1:8001/readyz", value)
	}
	return u.String(), nil
}

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
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: no answer within %v", address, healthTimeout)
	case err != nil:
		return fmt.Errorf("%s: %w", address, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1024))
	if answer.StatusCode != http.StatusOK {
		return errors.Join(fmt.Errorf("%s: %s %s", address, answer.Status, strings.TrimSpace(string(body))), err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", address, err)
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
