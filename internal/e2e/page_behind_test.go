package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"dummymessenger/internal/lab/browser"
	"dummymessenger/internal/lab/labtest"
)

// Behind the reverse proxies that OPERATIONS.md shows, under a path, the pages
// and what they link to work as they do at the root.
func pageBehindProxy(t *testing.T, b *browser.Browser, startProxy func(t *testing.T, replica string) string) {
	db := sqliteDatabase(t.ArtifactDir() + "/messages.db")
	rs := start(t, 1, db.url)
	at := startProxy(t, rs.urls()[0]) + "/chat"
	w := openWindow(t, b, "page", at, browser.View{}) // the proxy adds the slash
	w.isLive()
	w.write("Anna", "through the proxy")
	w.shows("through the proxy")
	mustPost(t, at, "Boris", "by a program", "")
	w.shows("by a program")
	w.wait(`document.getElementById("place").textContent === " · " + location.host + "/chat · 2 messages"`)
	follow := func(link, landmark string) {
		t.Helper()
		w.must(w.Click(link))
		w.wait(landmark)
	}
	follow(`a[href="status"]`, `location.pathname === "/chat/status" && document.getElementById("state")?.dataset.state === "live"`)
	follow(`a[href="docs"]`, `location.pathname === "/chat/docs" && document.querySelectorAll("section").length > 3`)
	response, err := http.Get(value[string](w, `document.querySelector('a[href="openapi.yaml"]').href`))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("openapi.yaml: %s", response.Status)
	}
	follow(`a[href="."]`, `location.pathname === "/chat/" && document.getElementById("state")?.dataset.state === "live"`)
	w.shows("by a program")
	if got := len(db.table(t)); got != 2 {
		t.Errorf("%d messages are stored, want 2", got)
	}
	w.isQuiet()
}

// documented is the block of OPERATIONS.md in a language, made to listen on a
// free port of this machine and to lead to replica; and that port's address.
func documented(t *testing.T, language, listen, replica string) (config, address string) {
	t.Helper()
	document, err := os.ReadFile("../../OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(document), "\n```"+language+"\n")
	config, _, found := strings.Cut(rest, "\n```\n")
	if !found {
		t.Fatalf("OPERATIONS.md has no lines for %s", language)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	l.Close()
	for from, to := range map[string]string{
		listen:           strings.Replace(listen, "80", address[strings.LastIndex(address, ":")+1:], 1),
		"127.0.0.1:8001": strings.TrimPrefix(replica, "http://"),
	} {
		if strings.Count(config, from) != 1 {
			t.Fatalf("the lines for %s hold %q %d times, want once", language, from, strings.Count(config, from))
		}
		config = strings.Replace(config, from, to, 1)
	}
	return config, address
}

func startNginx(t *testing.T, replica string) string {
	nginx := "nginx"
	if _, err := exec.LookPath(nginx); err != nil {
		nginx = "/usr/sbin/nginx" // Debian's, which is not on everybody's PATH
	}
	labtest.Program(t, nginx)
	config, address := documented(t, "nginx", "listen 80;", replica)
	dir := t.TempDir()
	var top strings.Builder
	fmt.Fprintf(&top, "daemon off; master_process off; pid %[1]s/pid; error_log stderr;\nevents {}\nhttp {\naccess_log off;\n", dir)
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&top, "%s_temp_path %s/%s;\n", kind, dir, kind)
	}
	runProxy(t, exec.Command(nginx, "-p", dir, "-e", "stderr", "-c", writeConfig(t, dir, top.String()+config+"\n}\n")), address)
	return "http://" + address
}

func startCaddy(t *testing.T, replica string) string {
	labtest.Program(t, "caddy")
	config, address := documented(t, "caddy", ":80 {", replica)
	dir := t.TempDir()
	file := writeConfig(t, dir, "{\n\tadmin off\n\tdefault_bind 127.0.0.1\n}\n"+config+"\n")
	cmd := exec.Command("caddy", "run", "--adapter", "caddyfile", "--config", file)
	cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	runProxy(t, cmd, address)
	return "http://" + address
}

func writeConfig(t *testing.T, dir, config string) string {
	t.Helper()
	file := filepath.Join(dir, "config")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// runProxy runs cmd until the end of the test, and returns when it listens.
func runProxy(t *testing.T, cmd *exec.Cmd, address string) {
	t.Helper()
	logFile, err := os.Create(filepath.Join(t.ArtifactDir(), "proxy.log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = logFile, logFile
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		logFile.Close()
		if t.Failed() {
			said, _ := os.ReadFile(logFile.Name())
			t.Logf("the proxy said:\n%s", said)
		}
	})
	eventually(t, "the proxy listens", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}
