package server

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"dummymessenger/internal/feed"
	"dummymessenger/internal/messenger"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	rep := start(t, Config{
		Authorized: func(token string) bool { return token == "right" },
		Metrics:    http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "numbers") }),
	})
	for _, tt := range []struct {
		authorization []string
		status        int
		challenge     string
	}{
		{nil, 401, "Bearer"},
		{[]string{"Basic cmlnaHQ="}, 401, "Bearer"},
		{[]string{"right"}, 401, "Bearer"},
		{[]string{"Bearer"}, 401, "Bearer"},
		{[]string{"Bearer wrong"}, 401, `Bearer error="invalid_token"`},
		{[]string{"Bearer right", "Bearer right"}, 401, "Bearer"},
		{[]string{"Bearer right"}, 200, ""},
		{[]string{"bearer  right"}, 200, ""},
	} {
		header := asJSON()
		header["Authorization"] = tt.authorization
		resp, got := rep.do(t, "POST", "/messages", goodBody, header)
		if resp.StatusCode != tt.status || resp.Header.Get("WWW-Authenticate") != tt.challenge {
			t.Errorf("Authorization %q: %s, WWW-Authenticate %q, want %d, %q",
				tt.authorization, resp.Status, resp.Header.Get("WWW-Authenticate"), tt.status, tt.challenge)
		}
		if tt.status == 401 {
			wantProblem(t, resp, got, 401, "", "not_stored", "token")
		}
	}
	for _, path := range []string{"/livez", "/readyz", "/metrics"} {
		if resp, _ := rep.do(t, "GET", path, "", nil); resp.StatusCode != 200 {
			t.Errorf("GET %s without a token = %s, want 200", path, resp.Status)
		}
	}
	if got := rep.appends.Load(); got != 2 {
		t.Errorf("Append was called %d times, want 2", got)
	}
	if logged := rep.logged.String(); strings.Contains(logged, "right") || strings.Contains(logged, "wrong") {
		t.Errorf("the log holds a token:\n%s", logged)
	}
}

// certificate is httptest's own, for 127.0.0.1, with a client that trusts it.
func certificate(t *testing.T) (tls.Certificate, *tls.Config) {
	srv := httptest.NewTLSServer(nil)
	defer srv.Close()
	return srv.TLS.Certificates[0], srv.Client().Transport.(*http.Transport).TLSClientConfig
}

func TestTLS(t *testing.T) {
	t.Parallel()
	own, client := certificate(t)
	rep := start(t, Config{Certificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &own, nil }})
	connect := func(version uint16) (*tls.Conn, error) {
		config := client.Clone()
		config.MinVersion, config.MaxVersion = version, version
		config.NextProtos = []string{"h2", "http/1.1"}
		return tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", rep.addr, config)
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		conn, err := connect(version)
		if err != nil {
			t.Fatalf("%s: %v", tls.VersionName(version), err)
		}
		defer conn.Close()
		if got := conn.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
			t.Errorf("%s: protocol %q, want http/1.1", tls.VersionName(version), got)
		}
		conn.SetDeadline(time.Now().Add(patience))
		write(t, conn, postHead+"Content-Length: 25\r\n\r\n"+`{"sender":"a","text":"b"}`)
		if resp, got := readResponse(t, bufio.NewReader(conn)); resp.StatusCode != 200 {
			t.Errorf("%s: %s: %s, want 200", tls.VersionName(version), resp.Status, got)
		}
	}
	if conn, err := connect(tls.VersionTLS11); err == nil {
		conn.Close()
		t.Error("TLS 1.1 was accepted")
	}
	plain := dial(t, rep)
	write(t, plain, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
	if resp, _ := readResponse(t, bufio.NewReader(plain)); resp.StatusCode != 400 {
		t.Errorf("plain HTTP: %s, want 400", resp.Status)
	}
}

func TestSilentTLSConnection(t *testing.T) {
	t.Parallel()
	own, _ := certificate(t)
	rep := start(t, Config{HeaderTimeout: 50 * time.Millisecond,
		Certificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &own, nil }})
	wantClosed(t, dial(t, rep))
}

// Every refusal and failure is logged with its caller in attributes, so lines of one
// kind share one message.
func TestLogTellsWho(t *testing.T) {
	t.Parallel()
	own, _ := certificate(t)
	rep := start(t, Config{Certificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &own, nil }})
	probe := dial(t, rep)
	from := probe.LocalAddr().String()
	probe.Close()
	want := `level=WARN msg="TLS handshake failed" from=` + from + " err=EOF\n"
	eventually(t, "the probe is in the log", func() bool { return strings.HasSuffix(rep.logged.String(), want) })

	plain := start(t, Config{Log: appendFunc(nil)}) // panics
	conn := dial(t, plain)
	write(t, conn, postHead+"X-Forwarded-For: 203.0.113.9\r\nContent-Length: 25\r\n\r\n"+`{"sender":"a","text":"b"}`)
	readResponse(t, bufio.NewReader(conn))
	if got := plain.logged.String(); !strings.Contains(got, "from="+conn.LocalAddr().String()) || strings.Contains(got, "203.0.113") {
		t.Errorf("the log does not tell who, or what they say of it:\n%s", got)
	}
	failing := start(t, Config{Log: appendFunc(func(context.Context, messenger.Draft) (messenger.Answer, error) {
		return messenger.Answer{}, &messenger.Error{Kind: messenger.Unwritable}
	})})
	failing.do(t, "POST", "/messages", goodBody, asJSON())
	if got := failing.logged.String(); !strings.Contains(got, " status=503") || !strings.Contains(got, " from=127.0.0.1:") {
		t.Errorf("the log does not tell who:\n%s", got)
	}
}

func TestTooManyConnections(t *testing.T) {
	t.Parallel()
	const most = 3
	srv := Config{MaxConnections: most}
	rep := start(t, srv)
	ask := func(conn net.Conn, r *bufio.Reader) int {
		t.Helper()
		write(t, conn, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
		resp, _ := readResponse(t, r)
		return resp.StatusCode
	}
	var conns []net.Conn
	var readers []*bufio.Reader
	for range most {
		conn := dial(t, rep)
		conns, readers = append(conns, conn), append(readers, bufio.NewReader(conn))
		if got := ask(conn, readers[len(readers)-1]); got != 200 {
			t.Fatalf("status = %d, want 200", got)
		}
	}
	var group sync.WaitGroup
	for range 20 {
		conn := dial(t, rep)
		group.Go(func() {
			io.WriteString(conn, postHead+"Content-Length: 25\r\n\r\n"+`{"sender":"a","text":"b"}`)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Errorf("one too many: %v, want an answer", err)
				return
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil || !resp.Close {
				t.Errorf("one too many: %v, close = %v, want the connection closed after the answer", err, resp.Close)
			}
			wantProblem(t, resp, string(body), 503, "too-many-connections", "not_stored", "another")
		})
	}
	group.Wait()
	for i, conn := range conns {
		if got := ask(conn, readers[i]); got != 200 {
			t.Errorf("an old connection: status = %d, want 200", got)
		}
	}
	if got := rep.appends.Load(); got != 0 {
		t.Errorf("Append was called %d times, want 0", got)
	}
	conns[0].Close()
	eventually(t, "there is room again", func() bool {
		conn := dial(t, rep)
		defer conn.Close()
		return ask(conn, bufio.NewReader(conn)) == 200
	})
}

func TestTooManyTLSConnections(t *testing.T) {
	t.Parallel()
	own, client := certificate(t)
	rep := start(t, Config{MaxConnections: 1,
		Certificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &own, nil }})
	conn, err := tls.Dial("tcp", rep.addr, client)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	wantClosed(t, dial(t, rep))
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	rep := start(t, Config{Log: appendFunc(nil)}) // panics, so that it is logged
	for _, sent := range []string{"", "caller-1:2/3", strings.Repeat("x", 129), "a b", `a"b`, "я"} {
		header := asJSON()
		if sent != "" {
			header.Set("X-Request-Id", sent)
		}
		resp, _ := rep.do(t, "POST", "/messages", goodBody, header)
		got := resp.Header.Get("X-Request-Id")
		if adopted := got == sent; adopted != (sent == "caller-1:2/3") || !isRequestID(got) {
			t.Errorf("X-Request-Id %q is answered with %q", sent, got)
		}
		if !strings.Contains(rep.logged.String(), "request_id="+got) {
			t.Errorf("the log does not hold %q", got)
		}
	}
}

// Each Server has its own name. ReplicaHeader also carries the log's name once that is known.
func TestReplicaHeader(t *testing.T) {
	names := map[string]bool{}
	for range 2 {
		s := New(Config{Logger: discard})
		url := newHTTPServer(t, s.Handler())
		ask := func() string {
			resp, err := http.Get(url + "/livez")
			if err != nil {
				t.Fatal(err)
			}
			readAll(t, resp)
			return strings.Join(resp.Header.Values(messenger.ReplicaHeader), ", ")
		}
		instance := ask()
		if names[instance] = true; len(instance) != 16 {
			t.Errorf("before the log is open: %q, want 16 digits", instance)
		}
		s.LogOpened("a-log")
		if got, want := ask(), instance+"; log=a-log"; got != want {
			t.Errorf("on the log a-log: %q, want %q", got, want)
		}
	}
	if len(names) != 2 {
		t.Errorf("two servers are called %v, want two names", names)
	}
}

func TestNoCORS(t *testing.T) {
	t.Parallel()
	rep := start(t, Config{})
	for _, method := range []string{"OPTIONS", "POST", "GET"} {
		resp, _ := rep.do(t, method, "/messages", goodBody,
			asJSON("Origin", "https://elsewhere.example", "Access-Control-Request-Method", "POST"))
		for name := range resp.Header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s: the answer has %s", method, name)
			}
		}
		wantCommonHeaders(t, resp)
	}
}

func TestObserve(t *testing.T) {
	t.Parallel()
	seen := make(chan Request, 10)
	rep := start(t, Config{Observe: func(r Request) { seen <- r }, Feed: feed.New(feed.Config{})})
	for _, tt := range []struct {
		method, path, body, key string
		want                    Request
	}{
		{"POST", "/messages", goodBody, "k", Request{Route: "/messages", Status: 200}},
		{"POST", "/messages", goodBody, "k", Request{Route: "/messages", Status: 200, Replayed: true}},
		{"POST", "/messages", "{}", "", Request{Route: "/messages", Status: 422, Reason: "invalid-message"}},
		{"GET", "/messages", "", "", Request{Route: "/messages", Status: 405, Reason: "method-not-allowed"}},
		{"GET", "/readyz", "", "", Request{Route: "/readyz", Status: 200}},
		{"GET", "/etc/passwd", "", "", Request{Status: 404, Reason: "not-found"}},
		{"GET", "//x", "", "", Request{Status: 404, Reason: "not-found"}},
		{"GET", "/", "", "", Request{Route: "/", Status: 200}},
		{"PUT", "/", "", "", Request{Route: "/", Status: 405, Reason: "method-not-allowed"}},
		{"GET", "/page/none", "", "", Request{Route: "/page/", Status: 404, Reason: "not-found"}},
		{"PUT", "/page/none", "", "", Request{Route: "/page/", Status: 405, Reason: "method-not-allowed"}},
	} {
		header := asJSON()
		if tt.key != "" {
			header.Set("Idempotency-Key", tt.key)
		}
		rep.do(t, tt.method, tt.path, tt.body, header)
		got := <-seen
		if got.Took <= 0 {
			t.Errorf("%s %s took %v", tt.method, tt.path, got.Took)
		}
		got.Took = 0
		if got != tt.want {
			t.Errorf("%s %s: observed %+v, want %+v", tt.method, tt.path, got, tt.want)
		}
	}
}

// Pages whose host name was rebound to this machine are refused. Callers that are not
// pages may send any Host.
func TestNameOfAnotherSite(t *testing.T) {
	t.Parallel()
	own, asked := start(t, Config{}), start(t, Config{Authorized: func(string) bool { return true }})
	for _, tt := range []struct {
		rep                 *replica
		host, origin, fetch string
		status              int
	}{
		{own, "evil.example:8001", "http://evil.example:8001", "", 403},
		{own, "127.0.0.1.evil.example", "http://127.0.0.1.evil.example", "", 403},
		{own, "localhost.evil.example", "http://localhost.evil.example", "", 403},
		{own, "localhost:8001", "http://localhost:8001", "", 200},
		{own, "LOCALHOST.", "http://LOCALHOST.", "", 200},
		{own, "demo.localhost:8001", "http://demo.localhost:8001", "", 200},
		{own, "127.0.0.1:8001", "http://127.0.0.1:8001", "", 200},
		{own, "[::1]:8001", "http://[::1]:8001", "", 200},
		{own, "chat.example", "https://chat.example", "same-origin", 200}, // through a proxy with TLS
		{own, "evil.example:8001", "", "", 200},                           // no browser
		{asked, "evil.example:8001", "http://evil.example:8001", "", 200}, // its page has no token
	} {
		request, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+tt.rep.addr+"/messages", strings.NewReader(goodBody))
		if err != nil {
			t.Fatal(err)
		}
		request.Host = tt.host
		request.Header = asJSON("Authorization", "Bearer x")
		for name, value := range map[string]string{"Origin": tt.origin, "Sec-Fetch-Site": tt.fetch} {
			if value != "" {
				request.Header.Set(name, value)
			}
		}
		resp, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != tt.status {
			t.Errorf("Host %s, Origin %q: %s %s, %v, want %d", tt.host, tt.origin, resp.Status, body, err, tt.status)
		}
	}
}

// The page behind a proxy over plain HTTP: each refusal says what to set.
func TestPageBehindAProxy(t *testing.T) {
	t.Parallel()
	open, asked := start(t, Config{}), start(t, Config{Authorized: func(string) bool { return true }})
	for _, tt := range []struct {
		rep    *replica
		host   string // as the proxy sends it
		remedy string // in the refusal; empty: there is none
	}{
		{open, open.addr, "proxy_set_header Host"}, // nginx as it comes
		{open, "chat.example", "--token-file"},
		{asked, asked.addr, "proxy_set_header Host"},
		{asked, "chat.example", ""},
	} {
		request, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+tt.rep.addr+"/messages", strings.NewReader(goodBody))
		if err != nil {
			t.Fatal(err)
		}
		request.Host = tt.host
		request.Header = asJSON("Authorization", "Bearer x", "Origin", "http://chat.example")
		resp, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body := readAll(t, resp)
		if tt.remedy != "" {
			wantProblem(t, resp, body, 403, "", "not_stored", tt.remedy)
		} else if resp.StatusCode != 200 {
			t.Errorf("Host %s: %s %s, want 200", tt.host, resp.Status, body)
		}
	}
}

// Such a page cannot read messages either, although browsers send no Origin with reads.
func TestReadingUnderAnotherSitesName(t *testing.T) {
	t.Parallel()
	own, asked := start(t, Config{}), start(t, Config{Authorized: func(string) bool { return true }})
	for _, tt := range []struct {
		rep         *replica
		path        string
		host, fetch string
		refused     bool
	}{
		{own, "/history", "evil.example:8001", "", true},
		{own, "/events", "evil.example:8001", "", true},
		{own, "/history", "localhost:8001", "", false},
		{own, "/history", "127.0.0.1:8001", "", false},
		{own, "/history", "chat.example", "same-origin", false}, // through a proxy with TLS
		{own, "/livez", "evil.example:8001", "", false},         // shows no message
		{asked, "/history", "evil.example:8001", "", false},     // its page has no token
	} {
		request, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+tt.rep.addr+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = tt.host
		request.Header.Set("Authorization", "Bearer x")
		if tt.fetch != "" {
			request.Header.Set("Sec-Fetch-Site", tt.fetch)
		}
		resp, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if refused := resp.StatusCode == http.StatusForbidden; refused != tt.refused {
			t.Errorf("GET %s, Host %s, Sec-Fetch-Site %q: %s, want refused %t", tt.path, tt.host, tt.fetch, resp.Status, tt.refused)
		}
	}

	conn := dial(t, own)
	write(t, conn, "GET /history HTTP/1.0\r\n\r\n")
	if resp, got := readResponse(t, bufio.NewReader(conn)); resp.StatusCode == http.StatusForbidden {
		t.Errorf("GET /history without a Host = %s: %s, want it let in: no browser leaves it out", resp.Status, got)
	}
}
