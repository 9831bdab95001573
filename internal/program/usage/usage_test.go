package usage

import (
	"slices"
	"strings"
	"testing"
)

func TestArgs(t *testing.T) {
	for line, want := range map[string]string{
		"":                      "",
		"help":                  "--help",
		"help verify":           "verify --help",
		"verify help":           "verify --help",
		"--senders help":        "--senders help",
		"--rate -5 -c -5 -n 10": "--rate=-5 -c-5 -n 10",
		"-- --rate -5":          "-- --rate -5",
	} {
		if got := Args(strings.Fields(line)); !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("Args(%s) = %q, want %s", line, got, want)
		}
	}
}

func TestAddress(t *testing.T) {
	commands := []string{"run", "verify"}
	for arg, want := range map[string]string{
		"http://a":       "http://a",
		"https://a:1/x":  "https://a:1/x",
		"localhost:8001": "http://localhost:8001",
		"[::1]:8001":     "http://[::1]:8001",
		":8001":          "http://127.0.0.1:8001",
		"a:80/":          "http://a:80/",
		"[::1]:80/x/y":   "http://[::1]:80/x/y",
	} {
		if got, err := Address(arg, commands); got != want || err != nil {
			t.Errorf("Address(%s) = %s, %v, want %s", arg, got, err, want)
		}
	}
	for _, arg := range []string{"8001", "verfy", "a:99999"} {
		if got, err := Address(arg, nil); err == nil || strings.Contains(err.Error(), "-n") || strings.Contains(err.Error(), "command") {
			t.Errorf("Address(%s) without commands = %s, %v", arg, got, err)
		}
	}
	for arg, want := range map[string]string{
		"verfy":        `did you mean "verify"?`,
		"rn":           `did you mean "run"?`,
		"8001":         "did you mean 127.0.0.1:8001",
		"verify":       "is a command, and comes first",
		"a:99999":      "from 1 to 65535",
		"a:http":       "from 1 to 65535",
		"localhost":    "as in localhost:8001",
		"127.0.0.1/x":  "as in 127.0.0.1:8001",
		"::1":          "as in [::1]:8001",
		"history.json": "the commands are run, verify",
		"":             "no address",
	} {
		if got, err := Address(arg, commands); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Address(%s) = %s, %v, want an error with %q", arg, got, err, want)
		}
	}
}

func TestCheckAddress(t *testing.T) {
	for value, want := range map[string]string{
		"127.0.0.1:8001": "", ":0": "", "[::1]:80": "", "localhost:http": "",
		"8001": "as in 127.0.0.1:8001", "localhost": "write HOST:PORT", ":99999": "from 0 to 65535", "::1": "write HOST:PORT",
	} {
		err := CheckAddress("--listen", value)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("CheckAddress(%s) = %v, want %q", value, err, want)
		}
	}
}
