package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dummymessenger/internal/program"
)

const full = "/dev/full" // takes no byte (Linux)

func needFull(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(full); err != nil {
		t.Skip("there is no " + full)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// recorded is the folder of a run's history and result, h and r.
func recorded(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	try(t, t.Context(), "-c", "4", "-n", "200", "--history", filepath.Join(dir, "h"), newReplica(t, newMemory(), nil))
	args := []string{"-q", "-c", "4", "-n", "200", "--json", filepath.Join(dir, "r"), newReplica(t, newMemory(), nil)}
	client(t.Context(), args...)
	return dir
}

// If an output file cannot be written, the client reports the error and exits
// with exitCannotWrite. It still prints the summary and writes the other files.
func TestFullDisk(t *testing.T) {
	needFull(t)
	dir := recorded(t)
	for _, flag := range []string{"--json", "--html", "--history", "--cpuprofile"} {
		result := filepath.Join(t.TempDir(), "result")
		args := []string{"-q", "--lang", "en", "-n", "200", flag, full}
		if flag != "--json" {
			args = append(args, "--json", result)
		}
		got := client(t.Context(), append(args, newReplica(t, newMemory(), nil))...)
		if got.status != exitCannotWrite || !strings.Contains(got.stdout, "VERIFIED") ||
			!strings.Contains(got.stderr, "no space left") {
			t.Errorf("%s: status %d, want %d, the summary and the error\n%s%s", flag, got.status, exitCannotWrite, got.stdout, got.stderr)
		}
		if data, _ := os.ReadFile(result); flag != "--json" && !strings.Contains(string(data), `"exit": 73`) {
			t.Errorf("%s: the JSON result does not tell the status:\n%s", flag, data)
		}
	}
	got := client(t.Context(), "verify", "--lang", "en", "--json", full, filepath.Join(dir, "h"))
	if got.status != exitCannotWrite || !strings.Contains(got.stdout, "VERIFIED") {
		t.Errorf("verify: status %d, want %d and the verdict\n%s%s", got.status, exitCannotWrite, got.stdout, got.stderr)
	}
	if got := client(t.Context(), "report", filepath.Join(dir, "h"), "-o", full); got.status != exitCannotWrite {
		t.Errorf("report: status %d, want %d", got.status, exitCannotWrite)
	}
}

// Every command reports a failing stdout in its exit status.
func TestStdoutFails(t *testing.T) {
	t.Parallel()
	dir := recorded(t)
	history, result := filepath.Join(dir, "h"), filepath.Join(dir, "r")
	for _, args := range [][]string{
		{"-q", "-n", "200", newReplica(t, newMemory(), nil)},
		{"-q", "-n", "200", "--json", "-", newReplica(t, newMemory(), nil)},
		{"verify", history},
		{"verify", "--json", "-", history},
		{"report", history, "-o", "-"},
		{"compare", result, result},
		{"selftest", "--list"},
		{"selftest", "--only", "correct"},
		{"--help"},
		{"verify", "--help"},
		{"--version"},
	} {
		var stderr bytes.Buffer
		status := run(t.Context(), args, brokenWriter{}, &stderr)
		if status != exitCannotWrite || strings.Count(stderr.String(), "no space left") != 1 {
			t.Errorf("client %q = %d, want %d and the error, once\n%s", args, status, exitCannotWrite, &stderr)
		}
	}
}

// A "-" means stdin or stdout, or is an error. It is never taken for a file
// name.
func TestDash(t *testing.T) {
	dir := recorded(t)
	t.Chdir(dir)
	url := newReplica(t, newMemory(), nil)
	for _, args := range [][]string{
		{"--history", "-", url},
		{"--html", "-", url},
		{"--cpuprofile", "-", url},
		{"--html", "x", "--annotate", "-", url},
		{"--senders", "-", url},
		{"--profile", "-", url},
		{"--token-file", "-", url},
		{"--ca-file", "-", url},
		{"report", "h", "--annotate", "-"},
		{"report", "-"},
		{"compare", "-", "-"},
		{"compare", "r", "-", "-"},
	} {
		if got := client(t.Context(), args...); got.status != exitUsage || got.stderr == "" || got.stdout != "" {
			t.Errorf("client %q = %d, want %d and a message\n%s%s", args, got.status, exitUsage, got.stdout, got.stderr)
		}
	}
	stdin := os.Stdin
	t.Cleanup(func() { os.Stdin = stdin })
	for _, test := range []struct {
		stdin string
		args  []string
		want  string
	}{
		{"h", []string{"verify", "--lang", "en", "-"}, "VERIFIED"},
		{"h", []string{"verify", "--json", "-", "-"}, `"verified"`},
		{"h", []string{"report", "-o", "-", "-"}, "<!doctype html>"},
		{"r", []string{"compare", "--lang", "en", "r", "-"}, "total time"},
	} {
		f, err := os.Open(test.stdin)
		if err != nil {
			t.Fatal(err)
		}
		os.Stdin = f
		got := client(t.Context(), test.args...)
		if got.status != exitVerified || !strings.Contains(got.stdout, test.want) {
			t.Errorf("client %q = %d, want %d and %q\n%.300s%s", test.args, got.status, exitVerified, test.want, got.stdout, got.stderr)
		}
		f.Close()
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) != 2 {
		t.Errorf("there are files %v, want h and r only", entries)
	}
}

// Text files may have a byte order mark and CRLF line ends, as Windows editors
// write them. UTF-16 is an error.
func TestWindowsText(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte("\ufeff"+strings.ReplaceAll(text, "\n", "\r\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	senders := write("senders", "Anna\nBoris\n")
	profile := write("profile", `{"path": "/messages", "idempotency_key": true,
"answer": {"messages": "messages", "seq": "seq", "sender": "sender", "text": "text", "sent_at": "sent_at"}}`+"\n")
	annotations := write("annotations", `{"from": 0, "to": 1, "label": "noise"}`+"\n\n")
	result := filepath.Join(dir, "result")
	got := client(t.Context(), "-q", "-n", "200", "--senders", senders, "--profile", profile,
		"--html", filepath.Join(dir, "html"), "--annotate", annotations, "--json", result, newReplica(t, newMemory(), nil))
	if got.status != exitVerified || !strings.Contains(got.stdout, "(Anna)") {
		t.Errorf("status %d, want %d and the sender Anna\n%s%s", got.status, exitVerified, got.stdout, got.stderr)
	}
	data, err := program.ReadText(result)
	if err != nil {
		t.Fatal(err)
	}
	edited := write("edited", string(data))
	if got := client(t.Context(), "compare", result, edited); got.status != 0 {
		t.Errorf("compare = %d\n%s", got.status, got.stderr)
	}
	history, err := os.ReadFile(filepath.Join(recorded(t), "h"))
	if err != nil {
		t.Fatal(err)
	}
	edited = write("edited", string(history))
	if got := client(t.Context(), "verify", edited); got.status != exitVerified {
		t.Errorf("verify = %d\n%s", got.status, got.stderr)
	}

	wide := filepath.Join(dir, "wide") // as Windows PowerShell's > writes it
	if err := os.WriteFile(wide, []byte("\xff\xfe{\x00}\x00\n\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"verify", wide}, {"report", wide}, {"compare", wide, result}, {"compare", result, wide}, {"--senders", wide}, {"--profile", wide},
		{"--token-file", wide}, {"--ca-file", wide}, {"--html", filepath.Join(dir, "html"), "--annotate", wide},
	} {
		got := client(t.Context(), args...)
		if got.status != exitNoInput && got.status != exitUsage || !strings.Contains(got.stderr, "UTF-16") ||
			!strings.Contains(got.stderr, wide) {
			t.Errorf("client %q = %d, want what to do with the file\n%s", args, got.status, got.stderr)
		}
	}
}

// absent stands for the content of a file that does not exist.
const absent = "\x00"

// A command that fails before it begins leaves its output files untouched,
// whether another output cannot be opened or the input is not a history. A run
// then sends nothing.
func TestFilesOfNoRun(t *testing.T) {
	t.Parallel()
	history := filepath.Join(recorded(t), "h")
	bad := filepath.Join(t.TempDir(), "none", "x")
	m := newMemory()
	url := newReplica(t, m, nil)
	flags := []string{"--json", "--html", "--history", "--cpuprofile"}
	for _, before := range []string{"an earlier result", absent} {
		for _, failing := range flags {
			checkUntouched(t, before, exitCannotWrite, func(file func() string) []string {
				args := []string{"-q", "-n", "50", url}
				for _, flag := range flags {
					if flag == failing {
						args = append(args, flag, bad)
					} else {
						args = append(args, flag, file())
					}
				}
				return args
			})
		}
		checkUntouched(t, before, exitNoInput, func(file func() string) []string {
			return []string{"verify", "--json", file(), os.DevNull}
		})
		checkUntouched(t, before, exitNoInput, func(file func() string) []string { return []string{"report", "-o", file(), os.DevNull} })
	}
	if len(m.log) > 0 {
		t.Errorf("%d messages were sent", len(m.log))
	}
	for _, args := range [][]string{{"verify", "--json", bad, history}, {"report", "-o", bad, history}} {
		if got := client(t.Context(), args...); got.status != exitCannotWrite || !strings.Contains(got.stderr, "no such") {
			t.Errorf("client %q = %d, want %d\n%s", args, got.status, exitCannotWrite, got.stderr)
		}
	}
}

// checkUntouched runs the client, which is to fail, on files that hold before.
// They are named by links.
func checkUntouched(t *testing.T, before string, want int, arguments func(file func() string) []string) {
	t.Helper()
	var names []string
	args := arguments(func() string {
		file := filepath.Join(t.TempDir(), "file")
		names = append(names, file)
		if before != absent {
			if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink(file, file+".link"); err != nil {
			t.Fatal(err)
		}
		return file + ".link"
	})
	got := client(t.Context(), args...)
	if got.status != want {
		t.Errorf("client %q = %d, want %d\n%s", args, got.status, want, got.stderr)
	}
	for _, name := range names {
		after, err := os.ReadFile(name)
		if os.IsNotExist(err) {
			after = []byte(absent)
		}
		if _, err := os.Lstat(name + ".link"); err != nil || string(after) != before {
			t.Errorf("client %q: a file held %q, now %q; the link: %v", args, before, after, err)
		}
	}
}

// A new result replaces the whole file, even if it is shorter than the old
// content.
func TestFilesReplaced(t *testing.T) {
	dir := recorded(t)
	history, file := filepath.Join(dir, "h"), filepath.Join(dir, "file")
	for _, args := range [][]string{
		{"-q", "-n", "200", "--json", file, newReplica(t, newMemory(), nil)},
		{"-q", "-n", "200", "--html", file, newReplica(t, newMemory(), nil)},
		{"-q", "-n", "200", "--history", file, newReplica(t, newMemory(), nil)},
		{"verify", "--json", file, history},
		{"report", "-o", file, history},
	} {
		if err := os.WriteFile(file, bytes.Repeat([]byte("before\n"), 1<<20), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := client(t.Context(), args...); got.status != exitVerified {
			t.Errorf("client %q = %d\n%s", args, got.status, got.stderr)
		}
		if data, err := os.ReadFile(file); err != nil || len(data) == 0 || bytes.Contains(data, []byte("before\n")) {
			t.Errorf("client %q: %v, %d bytes, with some of what was there before", args, err, len(data))
		}
	}
}
