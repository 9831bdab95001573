package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"dummymessenger/internal/lab/labtest"
)

// An exampleProgram is one of those in the folder examples.
type exampleProgram struct {
	name  string
	needs string // a program; without it the example is not run
	args  func(t *testing.T, sender, text string, urls []string) []string
	json  bool // prints the answer as it is
}

const examples = "../../examples/"

var examplePrograms = []exampleProgram{
	{name: "curl", needs: "curl", json: true, args: func(t *testing.T, sender, text string, urls []string) []string {
		body, err := json.Marshal(map[string]string{"sender": sender, "text": text})
		if err != nil {
			t.Fatal(err)
		}
		return []string{"sh", examples + "curl/messenger.sh", string(body), urls[0]}
	}},
	{name: "python", needs: "python3", args: func(t *testing.T, sender, text string, urls []string) []string {
		program, err := python()
		must(t, err)
		return append([]string{program, examples + "python/messenger.py", sender, text}, urls...)
	}},
	{name: "javascript", needs: "node", args: func(_ *testing.T, sender, text string, urls []string) []string {
		return append([]string{"node", examples + "javascript/messenger.mjs", sender, text}, urls...)
	}},
	{name: "go", needs: "go", args: func(t *testing.T, sender, text string, urls []string) []string {
		return append([]string{program("go"), sender, text}, urls...)
	}},
}

// python is what python3 runs in the end: that may be the script of a version manager,
// which takes several times as long as the example does.
var python = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
	return strings.TrimSpace(string(out)), err
})

// Each example stores its message and prints the last ten, through two
// replicas, and once more through a network that loses the first answer.
func TestExamples(t *testing.T) {
	t.Parallel()
	for _, ex := range examplePrograms {
		t.Run(ex.name, func(t *testing.T) {
			t.Parallel()
			labtest.Program(t, ex.needs)
			db := sqliteDatabase(filepath.Join(t.ArtifactDir(), "messages.db"))
			replicas := start(t, 2, db.url).urls()
			const sender = "Анна"
			for i, tt := range []struct {
				text string
				urls []string
			}{
				{`"in quotes", \ and 😀`, replicas},
				{"through a bad network", []string{badNetwork(t, replicas)}},
			} {
				var stdout, stderr bytes.Buffer
				args := ex.args(t, sender, tt.text, tt.urls)
				cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
				cmd.Stdout, cmd.Stderr = &stdout, &stderr
				if err := cmd.Run(); err != nil {
					t.Fatalf("%q: %v\n%s%s", tt.text, err, stdout.String(), stderr.String())
				}

				table := db.table(t)
				if len(table) != i+1 || table[i].Sender != sender || table[i].Text != tt.text {
					t.Fatalf("after %q, the log is %+v\n%s", tt.text, table, stderr.String())
				}
				if got, want := stdout.String(), printed(t, table, ex.json); got != want {
					t.Errorf("it printed\n%swant\n%s", got, want)
				}
			}

			// What is refused for good is not tried again.
			args := ex.args(t, sender, "", replicas)
			out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput()
			if err == nil || !strings.Contains(string(out), "text is empty") {
				t.Errorf("an empty text: %v\n%s", err, out)
			}
		})
	}
}

// printed is how the examples show messages.
func printed(t *testing.T, messages []message, asJSON bool) string {
	t.Helper()
	if asJSON {
		var b strings.Builder
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(map[string][]message{"messages": messages}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	var b strings.Builder
	for _, m := range messages {
		fmt.Fprintf(&b, "%d  %s (%d): %s\n", m.Seq, m.Sender, m.SenderCount, m.Text)
	}
	return b.String()
}

// badNetwork passes requests on to the replicas in turn. Of each message it
// loses the first answer, with the connection, and answers the next two tries
// itself.
func badNetwork(t *testing.T, replicas []string) string {
	var mu sync.Mutex
	tries := map[string]int{} // by key
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("Idempotency-Key")
		mu.Lock()
		try := tries[key]
		tries[key]++
		mu.Unlock()
		switch try {
		case 1:
			w.Header().Set("Retry-After", "1")
			http.Error(w, `{"detail":"not now"}`, http.StatusServiceUnavailable)
			return
		case 2:
			http.Error(w, `{"detail":"nobody knows"}`, http.StatusGatewayTimeout)
			return
		}
		response, body, err := passOn(r, replicas[try%len(replicas)])
		if err != nil {
			t.Error(err)
			return
		}
		if try == 0 {
			panic(http.ErrAbortHandler) // stored, and nobody is told
		}
		if response.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("try %d with one key was not answered with the first answer: %s %s", try+1, response.Status, body)
		}
		maps.Copy(w.Header(), response.Header)
		w.WriteHeader(response.StatusCode)
		w.Write(body)
	}))
	t.Cleanup(func() {
		srv.Close()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		for key, n := range tries {
			if n != 4 {
				t.Errorf("the message with the key %q was tried %d times, want 4", key, n)
			}
		}
	})
	return srv.URL
}

// passOn sends r on to a replica.
func passOn(r *http.Request, replica string) (*http.Response, []byte, error) {
	request, err := http.NewRequestWithContext(r.Context(), r.Method, replica+r.URL.Path, r.Body)
	if err != nil {
		return nil, nil, err
	}
	request.Header = r.Header.Clone()
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, body, err
}

// The k6 example runs where k6 is installed: building it takes minutes.
func TestExampleK6(t *testing.T) {
	t.Parallel()
	k6, err := exec.LookPath("k6")
	if err != nil {
		t.Skip("k6 is not installed")
	}
	const messages = 200
	db := sqliteDatabase(filepath.Join(t.ArtifactDir(), "messages.db"))
	replicas := start(t, 2, db.url).urls()
	cmd := exec.CommandContext(t.Context(), k6, "run", "--no-usage-report", "--quiet", "-e", "MESSAGES="+strconv.Itoa(messages),
		"-e", "REPLICAS="+strings.Join(replicas, ","), examples+"k6/messenger.js")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("k6: %v\n%s", err, out)
	}
	if got := len(db.table(t)); got != messages {
		t.Errorf("%d messages were stored, want %d\n%s", got, messages, out)
	}
}
