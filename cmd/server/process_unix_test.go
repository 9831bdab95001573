//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	asServer = "DUMMYMESSENGER_TEST_AS_SERVER"
	patience = 20 * time.Second
)

// TestMain makes the test binary a server, too, where the environment says so.
func TestMain(m *testing.M) {
	if os.Getenv(asServer) != "" {
		main()
	}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) // or children would ignore it where we were started so, as by nohup
	os.Exit(m.Run())
}

// command is the server as a process of its own, with a folder and an SQLite
// file of its own, run by a shell's words if there are any. It is killed if it takes too long.
func command(t *testing.T, shell string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, "sh", append([]string{"-c", shell + ` exec "$0" "$@"`, os.Args[0]}, args...)...)
	cmd.Env = append(os.Environ(), asServer+"=1", databaseName+"=sqlite:a.db")
	cmd.Dir = t.TempDir()
	return cmd
}

// A running server, whose log is read.
type running struct {
	*exec.Cmd
	t       *testing.T
	url     string
	stdin   io.WriteCloser
	logPipe *os.File
	log     *bufio.Reader
}

var address = regexp.MustCompile(`msg=listening addr=(\S+)`)

// startServer starts a server and waits until it says that it listens.
func startServer(t *testing.T, shell string, args ...string) *running {
	t.Helper()
	s := &running{Cmd: command(t, shell, append([]string{"--listen", "127.0.0.1:0"}, args...)...), t: t}
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	s.Stderr, s.logPipe, s.log = in, out, bufio.NewReader(out)
	if s.stdin, err = s.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		out.Close()
		if s.ProcessState == nil {
			s.Process.Kill()
			s.Wait()
		}
	})
	found := address.FindStringSubmatch(s.mustLog("msg=listening"))
	s.url = "http://" + found[1]
	return s
}

// mustLog reads the log up to a line that holds want, and returns that.
func (s *running) mustLog(want string) string {
	s.t.Helper()
	s.logPipe.SetReadDeadline(time.Now().Add(patience))
	var all strings.Builder
	for {
		line, err := s.log.ReadString('\n')
		all.WriteString(line)
		if strings.Contains(line, want) {
			return line
		}
		if err != nil {
			s.t.Fatalf("the log does not say %q (%v):\n%s", want, err, &all)
		}
	}
}

// mustStop waits for the end, which must be one with exit status 0.
func (s *running) mustStop() {
	s.t.Helper()
	killed := time.AfterFunc(patience, func() { s.Process.Kill() })
	defer killed.Stop()
	rest, _ := io.ReadAll(s.log) // to its end, which Wait would cut off
	if err := s.Wait(); err != nil {
		s.t.Errorf("the server ended with %v, want exit status 0; its log ends:\n%s", err, rest)
	}
}

var direct = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}

// post sends a message and returns the status.
func post(t *testing.T, client *http.Client, url string) (status int, header http.Header, body string) {
	t.Helper()
	response, err := client.Post(url+"/messages", "application/json", strings.NewReader(`{"sender":"a","text":"b"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(b)
}

func mustPost(t *testing.T, client *http.Client, url string) {
	t.Helper()
	if status, _, body := post(t, client, url); status != http.StatusOK {
		t.Fatalf("POST = %d: %s", status, body)
	}
}

func TestHangUpStopsInOrder(t *testing.T) {
	s := startServer(t, "")
	mustPost(t, direct, s.url)
	if err := s.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	s.mustLog("msg=stopped")
	s.mustStop()
}

// A server under nohup serves on when its terminal is closed.
func TestNohup(t *testing.T) {
	s := startServer(t, `trap "" HUP;`)
	if err := s.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	mustPost(t, direct, s.url)
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.mustStop()
}

// The end of its stdin stops a server that was told so, and no other.
func TestStopWithStdin(t *testing.T) {
	s := startServer(t, "")
	s.stdin.Close()
	mustPost(t, direct, s.url)
	time.Sleep(100 * time.Millisecond) // as long as it takes not to stop
	mustPost(t, direct, s.url)
	s.Process.Signal(syscall.SIGTERM)
	s.mustStop()

	s = startServer(t, "export "+stopWithStdin+"=1;")
	io.WriteString(s.stdin, "x\n")
	mustPost(t, direct, s.url)
	s.stdin.Close()
	s.mustLog("msg=stopped")
	s.mustStop()
}

// If the log's pipe is closed or full, the server still answers and stops as usual.
func TestLogThatNobodyReads(t *testing.T) {
	for name, lose := range map[string]func(*running){
		"closed": func(s *running) { s.logPipe.Close() },
		"full":   func(*running) {},
	} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, "", "--log-level", "debug")
			lose(s)
			client := &http.Client{Transport: &http.Transport{}, Timeout: patience}
			defer client.CloseIdleConnections()
			for range 1000 { // each is a line of some 200 bytes, and a pipe holds 64 KiB
				response, err := client.Get(s.url + "/livez")
				if err != nil {
					t.Fatal(err)
				}
				io.Copy(io.Discard, response.Body)
				response.Body.Close()
			}
			mustPost(t, client, s.url)
			if err := s.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			s.mustStop()
		})
	}
}

// An error at the end comes out, whole.
func TestErrorBeforeTheEnd(t *testing.T) {
	cmd := command(t, "", "--database", "sqlite:/no/such/folder/a.db", "--listen", "127.0.0.1:0")
	out, err := cmd.CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != 1 || !bytes.HasPrefix(out, []byte("server: ")) || !bytes.HasSuffix(out, []byte("\n")) {
		t.Errorf("%v: %q", err, out)
	}
}

// With few file descriptors, connections leave enough of them for the database, and the
// server serves as many connections as it says it accepts.
func TestFewFileDescriptors(t *testing.T) {
	s := startServer(t, "ulimit -n 64;") // which is the hard limit, too
	var idle []net.Conn
	defer func() {
		for _, conn := range idle {
			conn.Close()
		}
	}()
	const fits = 24
	for range fits {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, conn)
		conn.SetDeadline(time.Now().Add(patience))
		fmt.Fprint(conn, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("connection %d: %v, %v", len(idle), response, err)
		}
		response.Body.Close()
	}
	var others sync.WaitGroup
	for range 40 { // more than there are descriptors, and all refused
		others.Go(func() {
			if conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://")); err == nil {
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(patience))
				fmt.Fprint(conn, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
				io.Copy(io.Discard, conn)
			}
		})
	}
	others.Wait()
	conn := idle[0]
	fmt.Fprint(conn, "POST /messages HTTP/1.1\r\nHost: localhost\r\n"+
		"Content-Type: application/json\r\nContent-Length: 25\r\n\r\n"+`{"sender":"a","text":"b"}`)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("POST = %v, %v, want 200", response, err)
	}
	s.Process.Signal(syscall.SIGTERM)
	if line := s.mustLog("msg="); !strings.Contains(line, "msg=stopped") {
		t.Errorf("logged %q, want nothing but the end: no failed accept", line)
	}
	s.mustStop()

	s = &running{Cmd: command(t, "ulimit -n 64;", "--listen", "127.0.0.1:0", "--database", "sqlite:/no/folder/a.db"), t: t}
	if out, _ := s.CombinedOutput(); !strings.Contains(string(out), "--max-connections") ||
		!strings.Contains(string(out), "max_connections=24 asked=8192") {
		t.Errorf("what fits is not told:\n%s", out)
	}
	for _, limit := range []int{32, 33, 63} {
		s = &running{Cmd: command(t, fmt.Sprintf("ulimit -n %d;", limit), "--listen", "127.0.0.1:0"), t: t}
		out, err := s.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "ulimit -n") || !strings.Contains(string(out), "at least 64") {
			t.Errorf("with %d descriptors: %v\n%s", limit, err, out)
		}
	}
}

// If the database never answers, the server logs that, answers callers with the reason,
// and stops on SIGTERM.
func TestStartThatWaits(t *testing.T) {
	swallowing, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer swallowing.Close() // the system accepts connections; nobody answers
	listen := freeAddress(t)
	cmd := command(t, "", "--listen", listen, "--database", "postgres://nobody@"+swallowing.Addr().String()+"/none")
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &running{Cmd: cmd, t: t, url: "http://" + listen, logPipe: log.(*os.File), log: bufio.NewReader(log)}
	line := s.mustLog("still waiting")
	if took := time.Since(began); took > 3*time.Second || !strings.Contains(line, swallowing.Addr().String()) {
		t.Errorf("after %v: %s", took, line)
	}
	for path, want := range map[string]int{
		"/livez": 200, "/metrics": 200, "/": 200, "/status.json": 200,
		"/readyz": 503, "/events": 503, "/events?after=3": 503, "/history": 503, "/history?before=3": 503,
	} {
		response, err := direct.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != want || want == 503 &&
			(!strings.Contains(string(body), "PostgreSQL") || response.Header.Get("Retry-After") == "") {
			t.Errorf("GET %s = %d %v: %s, want %d", path, response.StatusCode, response.Header, body, want)
		}
	}
	status, header, body := post(t, direct, s.url)
	if status != 503 || header.Get("Retry-After") == "" || !strings.Contains(body, "not_stored") || strings.Contains(body, "127.0.0.1") {
		t.Errorf("POST = %d %v: %s", status, header, body)
	}
	s.Process.Signal(syscall.SIGTERM)
	s.mustStop()
}

// The health check asks directly, whatever proxies the environment names.
func TestHealthcheckThroughNoProxy(t *testing.T) {
	s := startServer(t, "", "--listen", "0.0.0.0:0")
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.url, "http://"))
	cmd := command(t, "HTTP_PROXY=http://127.0.0.1:9 http_proxy=$HTTP_PROXY; export HTTP_PROXY http_proxy;",
		"--healthcheck", "http://0.0.0.0:"+port+"/readyz")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// A .env that is a pipe without a writer is an error and does not block the start.
func TestDotEnvThatIsAPipe(t *testing.T) {
	cmd := command(t, "unset "+databaseName+";", "--listen", "127.0.0.1:0")
	if err := syscall.Mkfifo(filepath.Join(cmd.Dir, dotEnvName), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != 64 || !strings.Contains(string(out), "not a regular file") {
		t.Errorf("%v: %s", err, out)
	}
}

// A .env hidden by /dev/null, as Docker's mounts do it, holds nothing.
func TestDotEnvThatIsNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Symlink(os.DevNull, dotEnvName); err != nil {
		t.Fatal(err)
	}
	if e, err := readDotEnv(); err != nil || len(e.values) > 0 {
		t.Errorf("readDotEnv = %v, %v, want nothing", e, err)
	}
}
