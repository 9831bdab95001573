package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dummymessenger/internal/textfile"
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
	var stdout, stderr bytes.Buffer
	args := []string{"-q", "-c", "4", "-n", "200", "--json", filepath.Join(dir, "r"), newReplica(t, newMemory(), nil)}
	run(t.Context(), args, &stdout, &stderr)
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
		var stdout, stderr bytes.Buffer
		status := run(t.Context(), append(args, newReplica(t, newMemory(), nil)), &stdout, &stderr)
		if status != exitCannotWrite || !strings.Contains(stdout.String(), "VERIFIED") ||
			!strings.Contains(stderr.String(), "no space left") {
			t.Errorf("%s: status %d, want %d, the summary and the error\n%s%s", flag, status, exitCannotWrite, &stdout, &stderr)
		}
		if data, _ := os.ReadFile(result); flag != "--json" && !strings.Contains(string(data), `"exit": 73`) {
			t.Errorf("%s: the JSON result does not tell the status:\n%s", flag, data)
		}
	}
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), []string{"verify", "--lang", "en", "--json", full, filepath.Join(dir, "h")}, &stdout, &stderr)
	if status != exitCannotWrite || !strings.Contains(stdout.String(), "VERIFIED") {
		t.Errorf("verify: status %d, want %d and the verdict\n%s%s", status, exitCannotWrite, &stdout, &stderr)
	}
	if status := run(t.Context(), []string{"report", filepath.Join(dir, "h"), "-o", full}, &stdout, &stderr); status != exitCannotWrite {
		t.Errorf("report: status %d, want %d", status, exitCannotWrite)
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
		var stdout, stderr bytes.Buffer
		if status := run(t.Context(), args, &stdout, &stderr); status != exitUsage || stderr.Len() == 0 || stdout.Len() > 0 {
			t.Errorf("client %q = %d, want %d and a message\n%s%s", args, status, exitUsage, &stdout, &stderr)
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
		var stdout, stderr bytes.Buffer
		status := run(t.Context(), test.args, &stdout, &stderr)
		if status != exitVerified || !strings.Contains(stdout.String(), test.want) {
			t.Errorf("client %q = %d, want %d and %q\n%.300s%s", test.args, status, exitVerified, test.want, &stdout, &stderr)
		}
		f.Close()
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) != 2 {
		t.Errorf("there are files %v, want h and r only", entries)
	}
}

// An output is no input either.
func TestOutputsAreNoInputs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	for _, flag := range []string{"--senders", "--profile", "--token-file", "--ca-file"} {
		if err := os.WriteFile(file, []byte("kept"), 0o600); err != nil {
			t.Fatal(err)
		}
		var stdout, stderr bytes.Buffer
		if status := run(t.Context(), []string{"--json", file, flag, file}, &stdout, &stderr); status != exitUsage {
			t.Errorf("--json and %s of one file: status %d, want %d\n%s", flag, status, exitUsage, &stderr)
		}
		if data, _ := os.ReadFile(file); string(data) != "kept" {
			t.Errorf("%s is overwritten", flag)
		}
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
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), []string{"-q", "-n", "200", "--senders", senders, "--profile", profile,
		"--html", filepath.Join(dir, "html"), "--annotate", annotations, "--json", result, newReplica(t, newMemory(), nil)},
		&stdout, &stderr)
	if status != exitVerified || !strings.Contains(stdout.String(), "(Anna)") {
		t.Errorf("status %d, want %d and the sender Anna\n%s%s", status, exitVerified, &stdout, &stderr)
	}
	data, err := textfile.Read(result)
	if err != nil {
		t.Fatal(err)
	}
	edited := write("edited", string(data))
	if status := run(t.Context(), []string{"compare", result, edited}, &stdout, &stderr); status != 0 {
		t.Errorf("compare = %d\n%s", status, &stderr)
	}
	history, err := os.ReadFile(filepath.Join(recorded(t), "h"))
	if err != nil {
		t.Fatal(err)
	}
	edited = write("edited", string(history))
	if status := run(t.Context(), []string{"verify", edited}, &stdout, &stderr); status != exitVerified {
		t.Errorf("verify = %d\n%s", status, &stderr)
	}

	wide := filepath.Join(dir, "wide") // as Windows PowerShell's > writes it
	if err := os.WriteFile(wide, []byte("\xff\xfe{\x00}\x00\n\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"verify", wide}, {"report", wide}, {"compare", wide, result}, {"compare", result, wide}, {"--senders", wide}, {"--profile", wide},
		{"--token-file", wide}, {"--ca-file", wide}, {"--html", filepath.Join(dir, "html"), "--annotate", wide},
	} {
		stderr.Reset()
		status := run(t.Context(), args, &stdout, &stderr)
		if status != exitNoInput && status != exitUsage || !strings.Contains(stderr.String(), "UTF-16") ||
			!strings.Contains(stderr.String(), wide) {
			t.Errorf("client %q = %d, want what to do with the file\n%s", args, status, &stderr)
		}
	}
}

// A command that fails before it begins leaves its output files untouched,
// whether another output cannot be opened or the input is not a history.
func TestFilesOfNoRun(t *testing.T) {
	t.Parallel()
	dir := recorded(t)
	history := filepath.Join(dir, "h")
	bad := filepath.Join(dir, "none", "x")
	url := newReplica(t, newMemory(), nil)
	for _, flag := range []string{"--json", "--html", "--history", "--cpuprofile"} {
		for _, other := range []string{"--json", "--html", "--history", "--cpuprofile"} {
			if flag == other {
				continue
			}
			for _, before := range []string{"an earlier result", "\x00"} { // \x00: no such file
				checkUntouched(t, before, exitCannotWrite, func(file string) []string {
					return []string{"-q", "-n", "50", other, bad, flag, file, url}
				})
			}
		}
	}
	for _, before := range []string{"an earlier result", "\x00"} {
		checkUntouched(t, before, exitNoInput, func(file string) []string { return []string{"verify", "--json", file, os.DevNull} })
		checkUntouched(t, before, exitNoInput, func(file string) []string { return []string{"report", "-o", file, os.DevNull} })
	}
	for _, args := range [][]string{{"verify", "--json", bad, history}, {"report", "-o", bad, history}} {
		var stdout, stderr bytes.Buffer
		if status := run(t.Context(), args, &stdout, &stderr); status != exitCannotWrite || !strings.Contains(stderr.String(), "no such") {
			t.Errorf("client %q = %d, want %d\n%s", args, status, exitCannotWrite, &stderr)
		}
	}
}

func checkUntouched(t *testing.T, before string, want int, args func(file string) []string) {
	t.Helper()
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if before != "\x00" {
		if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), args(link), &stdout, &stderr)
	after, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		after = []byte("\x00")
	}
	if _, err := os.Lstat(link); err != nil || status != want || string(after) != before {
		t.Errorf("client %q = %d, want %d; the file held %q, now %q; the link: %v\n%s", args(link), status, want, before, after, err, &stderr)
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
		var stdout, stderr bytes.Buffer
		if status := run(t.Context(), args, &stdout, &stderr); status != exitVerified {
			t.Errorf("client %q = %d\n%s", args, status, &stderr)
		}
		if data, err := os.ReadFile(file); err != nil || len(data) == 0 || bytes.Contains(data, []byte("before\n")) {
			t.Errorf("client %q: %v, %d bytes, with some of what was there before", args, err, len(data))
		}
	}
}
