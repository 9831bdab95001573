// Package usage takes command lines as people write them, and says what is wrong with one.
package usage

import (
	"cmp"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
)

// Args returns a command line as kong takes it: help is --help, as in "client help
// verify", and a negative number belongs to the flag before it. What follows -- stays.
func Args(args []string) []string {
	if i := slices.Index(args, "help"); i == 0 || i == 1 && len(args) == 2 && !strings.HasPrefix(args[0], "-") {
		return append(slices.Concat(args[:i], args[i+1:]), "--help")
	}
	var joined []string
	for i, arg := range args {
		if arg == "--" {
			return append(joined, args[i:]...)
		}
		if last := len(joined) - 1; last >= 0 && negative.MatchString(arg) && flagName.MatchString(joined[last]) {
			if strings.HasPrefix(joined[last], "--") {
				joined[last] += "="
			}
			joined[last] += arg
			continue
		}
		joined = append(joined, arg)
	}
	return joined
}

var (
	negative = regexp.MustCompile(`^-[0-9.]`)
	flagName = regexp.MustCompile(`^--?[a-z][a-z-]*$`)
)

// Explain returns err, which kong found in args, in words that say what to do.
func Explain(parser *kong.Kong, args []string, err error) error {
	var known []string
	for _, node := range append([]*kong.Node{parser.Model.Node}, parser.Model.Children...) {
		for _, flag := range node.Flags {
			known = append(known, flag.Name)
		}
	}
	for _, arg := range args {
		if arg == "--" {
			break
		}
		name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if strings.HasPrefix(arg, "-") && !strings.HasPrefix(arg, "--") && len(name) > 1 && slices.Contains(known, name) {
			return fmt.Errorf("%s: the long names of flags have two dashes: --%s", arg, name)
		}
	}
	for _, r := range clearer {
		if r.said.MatchString(err.Error()) {
			return fmt.Errorf("%s", r.said.ReplaceAllString(err.Error(), r.say))
		}
	}
	return err
}

// clearer is what kong says, and what we do.
var clearer = []struct {
	said *regexp.Regexp
	say  string
}{
	{regexp.MustCompile(`^(\S+): expected \w+ value but got "EOL".*`), `$1 lacks its value`},
	{regexp.MustCompile(`^(\S+): expected duration but got "(.*?)": time: missing unit.*`), `$1 is "$2"; add a unit, as in ${2}s or ${2}ms`},
	{regexp.MustCompile(`^(\S+): expected duration but got "(.*?)".*`), `$1 is "$2"; write a time, as in 5s, 500ms or 1m30s`},
	{regexp.MustCompile(`^(\S+): expected a valid \d+ bit u?int but got "(.*?)".*`), `$1 is "$2"; write a whole number`},
	{regexp.MustCompile(`^(\S+): expected a float but got "(.*?)".*`), `$1 is "$2"; write a number`},
	{regexp.MustCompile(`^(\S+): slog: level string (".*?"): .*`), `$1 is $2; it must be one of "debug","info","warn","error"`},
	{regexp.MustCompile(`^(\S+) must be one of (?:"",)?(.*) but got (".*")$`), `$1 is $3; it must be one of $2`},
	{regexp.MustCompile(`^expected "<(.*?)>"$`), `$1 is missing`},
	{regexp.MustCompile(`^flag (\S+) applies to the default command "\w+", not (".*")$`), `write $1 behind $2`},
}

// Address returns the URL that an argument means: a URL as it is, HOST:PORT and :PORT, with
// or without a path, as plain HTTP. An argument that is none, but close to a command's name,
// was meant as that. Without commands, only an address can have been meant.
func Address(arg string, commands []string) (string, error) {
	if strings.Contains(arg, "://") {
		return arg, nil
	}
	address, path, slash := strings.Cut(arg, "/")
	if host, port, err := net.SplitHostPort(address); err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return "", fmt.Errorf("%q: a port is a number from 1 to 65535", arg)
		}
		if slash {
			path = "/" + path
		}
		return "http://" + net.JoinHostPort(cmp.Or(host, "127.0.0.1"), port) + path, nil
	}
	if address == "localhost" || net.ParseIP(address) != nil {
		return "", fmt.Errorf("%q lacks the port, as in %s", arg, net.JoinHostPort(address, "8001"))
	}
	if slices.Contains(commands, arg) {
		return "", fmt.Errorf("%q is a command, and comes first; --help tells what may follow it", arg)
	}
	_, err := strconv.ParseUint(arg, 10, 16)
	switch {
	case err == nil && len(commands) == 0:
		return "", fmt.Errorf("%q is no address; did you mean 127.0.0.1:%[1]s?", arg)
	case len(commands) == 0:
		return "", fmt.Errorf("%q is no address like http://127.0.0.1:8001 or 127.0.0.1:8001", arg)
	case err == nil:
		return "", fmt.Errorf("%q is no address; did you mean 127.0.0.1:%[1]s or, as the number of requests, -n %[1]s?", arg)
	}
	for _, command := range commands {
		if !strings.ContainsAny(arg, ".:/") && distance(arg, command) <= 2 {
			return "", fmt.Errorf("%q is no command and no address; did you mean %q?", arg, command)
		}
	}
	return "", fmt.Errorf("%q is no address like http://127.0.0.1:8001 or 127.0.0.1:8001, and no command; the commands are %s", arg,
		strings.Join(commands, ", "))
}

// distance is how many letters must be added, left out or replaced to make a of b
// (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// CheckAddress refuses what is not HOST:PORT, where a server listens.
func CheckAddress(flag, value string) error {
	_, port, err := net.SplitHostPort(value)
	if err != nil {
		hint := "127.0.0.1:8001"
		if _, err := strconv.ParseUint(value, 10, 16); err == nil {
			hint = "127.0.0.1:" + value
		}
		return fmt.Errorf("%s is %q; write HOST:PORT, as in %s", flag, value, hint)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		if _, err := net.LookupPort("tcp", port); err != nil {
			return fmt.Errorf("%s is %q; a port is a number from 0 to 65535", flag, value)
		}
	}
	return nil
}
