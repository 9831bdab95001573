package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"testing"
)

func TestIsLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:6060": true, "127.8.9.10:0": true, "[::1]:6060": true, "localhost:6060": true,
		":6060": false, "0.0.0.0:6060": false, "[::]:6060": false, "10.0.0.1:6060": false,
		"example.org:80": false, "127.0.0.1": false, "": false,
	} {
		if got := isLoopback(address); got != want {
			t.Errorf("isLoopback(%q) = %v, want %v", address, got, want)
		}
	}
}

func TestDebugServesProfiles(t *testing.T) {
	var log bytes.Buffer
	stop, err := startDebug("127.0.0.1:0", slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	address := regexp.MustCompile(`addr=(\S+)`).FindStringSubmatch(log.String())[1]
	for _, path := range []string{"", "heap", "goroutine?debug=1", "cmdline", "profile?seconds=1"} {
		response, err := http.Get("http://" + address + "/debug/pprof/" + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK || len(body) == 0 {
			t.Errorf("%q: %s, %d bytes, %v", path, response.Status, len(body), err)
		}
	}
	stop()
	if response, err := http.Get("http://" + address + "/debug/pprof/"); err == nil {
		response.Body.Close()
		t.Error("profiles are still served after stop")
	}
}
