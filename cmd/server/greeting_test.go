package main

import (
	"net"
	"strings"
	"testing"
)

// What a server says first can be clicked, and pasted into a shell.
func TestGreeting(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		addr string
		tls  bool
		want string
	}{
		{"127.0.0.1:8001", false, "http://127.0.0.1:8001/"},
		{"0.0.0.0:8001", false, "http://127.0.0.1:8001/"},
		{"[::]:8001", true, "https://127.0.0.1:8001/"},
		{"[::1]:80", false, "http://[::1]:80/"},
	} {
		addr, err := net.ResolveTCPAddr("tcp", test.addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := urlOf(addr, test.tls); got != test.want {
			t.Errorf("%s: %s, want %s", test.addr, got, test.want)
		}
	}
	for _, want := range []string{" http://127.0.0.1:8001/ ", "curl http://127.0.0.1:8001/messages "} {
		if got := greeting("http://127.0.0.1:8001/"); !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
}
