//go:build unix

package e2e

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dummymessenger/internal/lab"
	"dummymessenger/internal/lab/browser"
	"dummymessenger/internal/lab/labtest"
)

// A demonstration is a running demo program, whose programs are beside it.
type demonstration struct {
	*lab.Process
	t              *testing.T
	tmp            string // its temporary folder: empty before and after
	stdout, stderr output
}

// output may be read while the program still writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func startDemo(t *testing.T, args ...string) *demonstration {
	t.Helper()
	return startDemoWith(t, nil, args...)
}

func startDemoWith(t *testing.T, env []string, args ...string) *demonstration {
	t.Helper()
	d := &demonstration{t: t, tmp: t.TempDir()}
	cmd := exec.Command(program("demo"), args...)
	cmd.Env = append(append(os.Environ(), "TMPDIR="+d.tmp), env...)
	cmd.Stdout, cmd.Stderr = &d.stdout, &d.stderr
	var err error
	if d.Process, err = lab.Start(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Stop(os.Kill, 0) })
	return d
}

var replicaProcess = regexp.MustCompile(`(?m)^replica \d+: http://\S+ \(process (\d+)\)$`)

// replicas waits until n replicas are ready and the client runs, and returns
// the replicas' process ids.
func (d *demonstration) replicas(n int) (pids []int) {
	d.t.Helper()
	eventually(d.t, "the demo's client starts", func() bool { return strings.Contains(d.stderr.String(), "\nclient: ") })
	for _, found := range replicaProcess.FindAllStringSubmatch(d.stderr.String(), -1) {
		pid, err := strconv.Atoi(found[1])
		if err != nil {
			d.t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	if len(pids) != n {
		d.t.Fatalf("the demo names %d replicas, want %d:\n%s", len(pids), n, d.stderr.String())
	}
	return pids
}

// takeReport waits for the end, and returns the report that the demo names and removes it.
func (d *demonstration) takeReport() string {
	d.t.Helper()
	<-d.Done()
	_, rest, _ := strings.Cut(d.stderr.String(), "the report is in ")
	path, _, _ := strings.Cut(rest, "\n")
	report, err := os.ReadFile(path)
	must(d.t, err)
	must(d.t, os.Remove(path))
	return string(report)
}

// mustEnd waits for the end and checks that nothing is left behind.
func (d *demonstration) mustEnd(wantStatus int) {
	d.t.Helper()
	select {
	case <-d.Done():
	case <-time.After(patience):
		d.t.Fatalf("the demo still runs:\n%s", d.stderr.String())
	}
	status := 0
	if exit, ok := errors.AsType[*exec.ExitError](d.Wait()); ok {
		status = exit.ExitCode()
	}
	if status != wantStatus {
		d.t.Errorf("exit status %d, want %d; it said:\n%s%s", status, wantStatus, d.stderr.String(), d.stdout.String())
	}
	d.mustLeaveNothing()
}

func (d *demonstration) mustLeaveNothing() {
	d.t.Helper()
	left, err := os.ReadDir(d.tmp)
	if err != nil {
		d.t.Fatal(err)
	}
	if len(left) > 0 {
		d.t.Errorf("the demo left %v behind", left)
	}
}

func mustBeGone(t *testing.T, pids []int) {
	t.Helper()
	for _, pid := range pids {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d is still there (%v)", pid, err)
		}
	}
}

func TestDemo(t *testing.T) {
	t.Parallel()
	d := startDemo(t, "--replicas", "3", "--", "--per-worker", "20")
	pids := d.replicas(3)
	d.mustEnd(0)
	mustBeGone(t, pids)
	if !strings.Contains(d.stdout.String(), "VERIFIED") {
		t.Errorf("stdout is not the client's result:\n%s", d.stdout.String())
	}
}

// With --kill replicas are killed and frozen, nothing fails, and the report says what was done.
func TestDemoKill(t *testing.T) {
	t.Parallel()
	d := startDemo(t, "--kill", "--", "--lang", "en")
	report := d.takeReport()
	d.mustEnd(0)
	for _, says := range []string{"replica 1 killed", "replica 2 frozen"} {
		if !strings.Contains(d.stderr.String(), says) || !strings.Contains(report, says) {
			t.Errorf("the demo or its report does not say %q:\n%s", says, d.stderr.String())
		}
	}
	for _, says := range []string{"VERIFIED", "· 0 failed · 0 unknown"} {
		if !strings.Contains(d.stdout.String(), says) {
			t.Errorf("stdout lacks %q:\n%s", says, d.stdout.String())
		}
	}
}

// With --open the replicas' pages are shown side by side, through one address, while the
// client runs and until ^C.
func TestDemoOpen(t *testing.T) {
	t.Parallel()
	b := labtest.Browser(t)
	dir := t.TempDir()
	opened, opener := filepath.Join(dir, "opened"), filepath.Join(dir, "browser")
	must(t, os.WriteFile(opener, []byte("#!/bin/sh\necho \"$1\" >"+opened+".new && mv "+opened+".new "+opened+"\n"), 0o700))
	d := startDemoWith(t, []string{"BROWSER=" + opener}, "--open", "--", "--per-worker", "20", "--lang", "en")
	var url []byte
	eventually(t, "the demo opens a browser", func() bool {
		url, _ = os.ReadFile(opened)
		return len(url) > 0
	})
	w := openWindow(t, b, "both replicas", strings.TrimSpace(string(url)), browser.View{Width: 1280, Height: 800, Language: "en"})
	eventually(t, "the pages stay", func() bool { return strings.Contains(d.stderr.String(), "until ^C") })
	w.wait(`frames.length === 2 && [0, 1].every(i => frames[i].document.querySelectorAll(".message").length >= 10)`)
	w.wait(`frames[0].document.querySelector(".message:last-child").dataset.seq === frames[1].document.querySelector(".message:last-child").dataset.seq`)
	_, err := browser.Eval[bool](w.Page, `(() => {
		const page = frames[0].document;
		page.getElementById("name").value = "Ann";
		page.getElementById("text").value = "through the window";
		page.getElementById("send").click();
		return true;
	})()`)
	must(t, err)
	w.wait(`[0, 1].every(i => frames[i].document.body.textContent.includes("through the window"))`)
	must(t, d.Signal(os.Interrupt))
	d.mustEnd(0)
}

// Against a wrong server the demo shows the red verdict, and ends with its status.
func TestDemoBroken(t *testing.T) {
	t.Parallel()
	for name, says := range map[string]string{
		"count-plus-one":     "VIOLATED: several messages of one sender have the same count",
		"count-beside-raced": "VIOLATED: several messages of one sender have the same count",
		"keys-per-process":   "VIOLATED: ",
	} {
		d := startDemo(t, "--broken", name, "--", "--lang", "en")
		report := d.takeReport()
		d.mustEnd(1)
		if !strings.Contains(d.stdout.String(), says) || !strings.Contains(report, `class="word">violated<`) {
			t.Errorf("%s: stdout lacks %q, or the report has another verdict:\n%s", name, says, d.stdout.String())
		}
	}
	d := startDemo(t, "--broken", "nothing")
	d.mustEnd(64)
}

// The demo leaves the messages in a database that is its user's.
func TestDemoOnDatabaseOfOnesOwn(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db database) {
		d := startDemo(t, "--database", db.url, "--", "--per-worker", "10")
		d.mustEnd(0)
		if n := len(db.table(t)); n < 500 {
			t.Errorf("the table has %d messages, want at least 500", n)
		}
	})
}

func TestDemoInterrupted(t *testing.T) {
	t.Parallel()
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGHUP} {
		d := startDemo(t, "--", "--per-worker", "1000000")
		pids := d.replicas(2)
		if err := d.Signal(sig); err != nil {
			t.Fatal(err)
		}
		d.mustEnd(130)
		mustBeGone(t, pids)
	}
}

// A closed terminal sends SIGHUP more than once, and the outputs are no longer read.
func TestDemoLosesItsTerminal(t *testing.T) {
	t.Parallel()
	out, in, err := os.Pipe()
	must(t, err)
	d := &demonstration{t: t, tmp: t.TempDir()}
	cmd := exec.Command(program("demo"), "--", "--per-worker", "1000000")
	cmd.Env = append(os.Environ(), "TMPDIR="+d.tmp)
	cmd.Stdout, cmd.Stderr = in, in
	d.Process, err = lab.Start(cmd, in)
	must(t, err)
	t.Cleanup(func() { d.Stop(os.Kill, 0) })
	go io.Copy(&d.stderr, out) // until out is closed
	pids := d.replicas(2)
	out.Close()
	for range 3 {
		must(t, d.Signal(syscall.SIGHUP))
	}
	select {
	case <-d.Done():
	case <-time.After(patience):
		t.Fatal("the demo still runs")
	}
	if exit, ok := errors.AsType[*exec.ExitError](d.Wait()); ok && !exit.Exited() {
		t.Errorf("the demo was killed: %v", exit)
	}
	d.mustLeaveNothing()
	mustBeGone(t, pids)
}

// A replica that dies ends the demo, which shows why.
func TestDemoReplicaDies(t *testing.T) {
	t.Parallel()
	d := startDemo(t, "--", "--per-worker", "1000000")
	pids := d.replicas(2)
	if err := syscall.Kill(pids[1], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	d.mustEnd(70)
	mustBeGone(t, pids)
	for _, want := range []string{"replica 2 ended during the run", "msg=listening"} {
		if !strings.Contains(d.stderr.String(), want) {
			t.Errorf("the demo does not say %q:\n%s", want, d.stderr.String())
		}
	}
}

func TestDemoRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args   []string
		status int
		says   string
	}{
		"unknown flag":      {[]string{"--nonsense"}, 64, "--nonsense"},
		"no replicas":       {[]string{"--replicas=0"}, 64, "--replicas"},
		"two databases":     {[]string{"--postgres", "--database=sqlite:x.db"}, 64, "--postgres"},
		"missing folder":    {[]string{"--database=sqlite:/no/such/folder/x.db"}, 70, "/no/such/folder"},
		"client's nonsense": {[]string{"--", "--nonsense"}, 64, "--nonsense"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := startDemo(t, tt.args...)
			d.mustEnd(tt.status)
			if !strings.Contains(d.stderr.String(), tt.says) {
				t.Errorf("the demo does not mention %s:\n%s", tt.says, d.stderr.String())
			}
		})
	}
}

// The client's exit status is 0 when everything was verified.
func TestClient(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db database) {
		urls := start(t, 2, db.url).urls()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		out, err := exec.CommandContext(ctx, program("client"), append([]string{"--per-worker", "20"}, urls...)...).CombinedOutput()
		if err != nil {
			t.Errorf("client: %v\n%s", err, out)
		}
		if n := len(db.table(t)); n < 1000 {
			t.Errorf("the table has %d messages, want at least 1000", n)
		}
	})
}
