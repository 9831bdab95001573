package main

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Every flag that changes what a run is asked to do is in its JSON result, and
// compare reports it. A new flag has to be entered here, with arguments that set
// it, or as one that asks for nothing else.
func TestFlagsAreCompared(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tells := map[string][]string{
		"Workers": {"-c", "5"}, "PerWorker": {"-c", "4", "--per-worker", "30"}, "Requests": {"-n", "120"},
		"Duration": {"--duration", "200ms"},
		"Warmup":   {"--warmup", "10ms"}, "Rate": {"--rate", "2000"},
		"Senders": {"--senders", file("senders", "Anna\n")}, "Timeout": {"--timeout", "29s"},
		"Retries": {"--retries", "1"}, "Replays": {"--retries", "2", "--replays", "7"}, "ClockAllowance": {"--clock-allowance", "3s"},
		"Texts":     {"--texts", "plain"},
		"MaxText":   {"--max-text", "200"},
		"Profile":   {"--profile", file("profile", `{"path": "/messages", "answer": {"messages": "messages", "text": "text"}}`)},
		"TokenFile": {"--token-file", file("token", strings.Repeat("0123456789abcdef", 2)+"\n")},
		"NoVerify":  {"--no-verify"}, "Stream": {"--stream"},
		"History":    {"--history", filepath.Join(dir, "history")},
		"CPUProfile": {"--cpuprofile", filepath.Join(dir, "cpu")},
	}
	same := []string{
		"URLs", // their number and scheme are compared; which they are is up to the user
		"Seed", // other choices of the same kind
		"HTML", // keeps a sample
		"CAFile", "Fail", "JSON", "Annotate", "Lang", "Quiet", "NoTUI", "thresholds",
	}
	result := func(name string, args ...string) string {
		t.Helper()
		path := filepath.Join(dir, name+".json")
		args = append([]string{"-q", "--json", path}, args...)
		got := client(t.Context(), append(args, newReplica(t, newMemory(), nil))...)
		if got.status != exitVerified && got.status != exitInconclusive {
			t.Fatalf("client %q = %d\n%s", args, got.status, got.stderr)
		}
		return path
	}
	unlike := func(a, b string) bool {
		got := client(t.Context(), "compare", "--lang", "en", a, b)
		if got.status != 0 {
			t.Fatalf("compare = %d\n%s", got.status, got.stderr)
		}
		return strings.HasPrefix(got.stdout, "They were not asked to do the same")
	}
	base := map[string]string{"": result("base", "-c", "4", "-n", "100")}
	base["Replays"] = result("retries", "-c", "4", "-n", "100", "--retries", "2")
	if again := result("again", "-c", "4", "-n", "100", "--seed", "1"); unlike(base[""], again) {
		t.Error("two runs that were asked the same are called unlike")
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[runCmd]()) {
		if field.Anonymous {
			continue
		}
		args, ok := tells[field.Name]
		if ok == slices.Contains(same, field.Name) {
			t.Errorf("%s has to be either in the one list or in the other", field.Name)
		}
		if !ok {
			continue
		}
		if field.Name != "PerWorker" && field.Name != "Requests" && field.Name != "Duration" {
			args = append([]string{"-c", "4", "-n", "100"}, args...)
		} else {
			args = append([]string{"-c", "4"}, args...)
		}
		with := base[""]
		if other, ok := base[field.Name]; ok {
			with = other
		}
		if !unlike(with, result(field.Name, args...)) {
			t.Errorf("the comparison does not mention %q", args)
		}
	}
}
