package main

import (
	"context"
	_ "embed"
	"errors"
	"html/template"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed open.html
var openHTML string

// A window is a page that shows the pages of all replicas side by side. Those do not let
// others frame them, so the window's server fetches them and lets its own page do it.
type window struct {
	url    string
	server *http.Server
	shown  sync.WaitGroup // pages that do not follow their log yet
}

// openWindow serves the window of these replicas until close.
func openWindow(urls []string) (*window, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &window{url: "http://" + ln.Addr().String() + "/"}
	type framedReplica struct {
		Number int
		URL    string
	}
	var framedReplicas []framedReplica
	routes := http.NewServeMux()
	page := template.Must(template.New("").Parse(openHTML))
	routes.HandleFunc("GET /{$}", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; frame-ancestors 'none'")
		_ = page.Execute(rw, framedReplicas) // an error is the reader's, who has left
	})
	for i, replica := range urls {
		target, err := url.Parse(replica)
		if err != nil {
			return nil, errors.Join(err, ln.Close())
		}
		framedReplicas = append(framedReplicas, framedReplica{i + 1, replica})
		prefix := "/" + strconv.Itoa(i+1)
		w.shown.Add(1)
		routes.Handle(prefix+"/", http.StripPrefix(prefix, framed(target, sync.OnceFunc(w.shown.Done))))
	}
	w.server = &http.Server{Handler: routes, ReadHeaderTimeout: 5 * time.Second}
	go w.server.Serve(ln) // until close
	return w, nil
}

// framed passes requests on to a replica, and lets pages of the same origin frame what it
// answers. It calls followed when a page follows the log.
func framed(replica *url.URL, followed func()) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(replica)
			r.Out.Host = r.In.Host // what the replica compares with the page's origin
		},
		ModifyResponse: func(r *http.Response) error {
			policy := r.Header.Get("Content-Security-Policy")
			r.Header.Set("Content-Security-Policy", strings.Replace(policy, "frame-ancestors 'none'", "frame-ancestors 'self'", 1))
			if r.Header.Get("Content-Type") == "text/event-stream" {
				followed()
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) { // the page tries again
			http.Error(w, err.Error(), http.StatusBadGateway)
		},
	}
}

// wait waits until all pages follow the log, or long enough.
func (w *window) wait(ctx context.Context, patience time.Duration) {
	all := make(chan struct{})
	go func() {
		w.shown.Wait() // or for ever, if nobody opens the window
		close(all)
	}()
	select {
	case <-all:
	case <-ctx.Done():
	case <-time.After(patience):
	}
}

func (w *window) close() error { return w.server.Close() }

// openBrowser shows url in the user's browser.
func openBrowser(url string) error {
	var opener []string
	switch {
	case os.Getenv("BROWSER") != "":
		opener = []string{os.Getenv("BROWSER")}
	case runtime.GOOS == "windows":
		opener = []string{"rundll32", "url.dll,FileProtocolHandler"}
	case runtime.GOOS == "darwin":
		opener = []string{"open"}
	case os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "":
		return errors.New("there is no screen") // xdg-open would look for a browser in the terminal
	default:
		opener = []string{"xdg-open"}
	}
	cmd := exec.Command(opener[0], append(opener[1:], url)...)
	if err := cmd.Start(); err != nil {
		return err
	}
	go cmd.Wait() // it may be the browser itself, which stays
	return nil
}

// readable is how the client runs when people watch: ten seconds.
var readable = []string{"--rate", "500"}

// runInWindow calls run while the replicas' pages are shown side by side, and shows them
// until ^C.
func (d *demo) runInWindow(ctx context.Context, urls []string, run func() (int, error)) (status int, err error) {
	w, err := openWindow(urls)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	d.printf("all replicas side by side: %s\n", w.url)
	if err := openBrowser(w.url); err != nil {
		d.printf("no browser could be opened (%v); open it in one\n", err)
	} else {
		w.wait(ctx, 10*time.Second)
	}
	if !d.Kill {
		d.clientArgs = append(readable[:len(readable):len(readable)], d.clientArgs...)
	}
	if status, err = run(); err != nil || ctx.Err() != nil {
		return status, err
	}
	d.printf("the pages stay at %s until ^C\n", w.url)
	select {
	case <-ctx.Done():
	case <-d.signals:
	}
	return status, nil
}

// runWithReport calls run with the name of a file for the client's report, which stays and
// with --open is shown.
func (d *demo) runWithReport(run func(report string) (int, error)) (status int, err error) {
	report, err := os.CreateTemp("", "dummymessenger-demo-*.html")
	if err != nil {
		return 0, err
	}
	if err := report.Close(); err != nil {
		return 0, err
	}
	status, err = run(report.Name())
	if info, statErr := os.Stat(report.Name()); statErr == nil && info.Size() == 0 { // there was no run
		return status, errors.Join(err, os.Remove(report.Name()))
	}
	if d.Open {
		if err := openBrowser(fileURL(report.Name())); err != nil {
			d.printf("no browser could be opened (%v); open the report in one\n", err)
		}
	}
	return status, err
}

// fileURL is the URL of a file.
func fileURL(name string) string {
	return (&url.URL{Scheme: "file", Path: "/" + strings.TrimPrefix(filepath.ToSlash(name), "/")}).String()
}
