package e2e

import (
	"flag"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write into docs/FLAGS.md what the programs say")

// docs/FLAGS.md shows what the programs say of their flags.
func TestFlagsDocument(t *testing.T) {
	t.Parallel()
	const name = "../../docs/FLAGS.md"
	text, err := os.ReadFile(name)
	must(t, err)
	blocks := 0
	want := regexp.MustCompile("(?ms)^```\n\\$ (.+? --help)\n.*?^```\n").ReplaceAllStringFunc(string(text), func(block string) string {
		blocks++
		line := strings.TrimPrefix(strings.Split(block, "\n")[1], "$ ")
		args := strings.Fields(line)
		cmd := exec.Command(program(args[0]), args[1:]...)
		cmd.Env = append(os.Environ(), "COLUMNS=100")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		return "```\n$ " + line + "\n" + string(out) + "```\n"
	})
	switch {
	case blocks < 10:
		t.Errorf("%s has %d blocks of help, want one for each program and command", name, blocks)
	case want == string(text):
	case *update:
		must(t, os.WriteFile(name, []byte(want), 0o644))
	default:
		t.Errorf("%s is stale; run go test ./internal/e2e -run %s -update", name, t.Name())
	}
}
