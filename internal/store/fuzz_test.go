package store

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"dummymessenger/internal/lab/labtest"
	"dummymessenger/internal/messenger"
	"dummymessenger/internal/server"
)

func TestMain(m *testing.M) { labtest.Main(m) }

// Every store returns the texts that the server accepts byte for byte.
func FuzzSQLite(f *testing.F) {
	differ(f, "sqlite:"+filepath.Join(f.TempDir(), "messages.db"))
}

func FuzzPostgres(f *testing.F) {
	differ(f, labtest.Database(f))
}

// collector is a log that keeps what the server accepted, and stores nothing.
type collector struct{ drafts []messenger.Draft }

func (c *collector) Append(_ context.Context, d messenger.Draft) (messenger.Answer, error) {
	c.drafts = append(c.drafts, d)
	return messenger.Answer{}, errors.New("kept")
}

// differ sends bodies to the server and what it accepts of them, as one batch,
// to the store.
func differ(f *testing.F, url string) {
	for _, seed := range [][3]string{
		{`{"sender":"Анна","text":"привет"}`, `{"sender":"Анна","text":"\ud83d\ude42\n\t\"\\"}`, `{}`},
		{`{"sender":"Zoe\u0308","text":"e\u0301"}`, `{"sender":"Zo\u00eb","text":"'; DROP TABLE messages; --"}`,
			`{"sender":"a","text":"\u2028\ufeff\ufffe\u0001"}`},
		{`{"sender":" ","text":" "}`, `{"sender":"NULL","text":"\\N"}`, `{"sender":"\"","text":"{1,2}"}`},
		{`{"sender":"a","text":"` + strings.Repeat("🙂", 4096) + `"}`, `[`, ``},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]), []byte(seed[2]))
	}
	s, err := Open(f.Context(), url, slog.New(slog.DiscardHandler))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := s.Close(); err != nil {
			f.Error(err)
		}
	})
	var kept collector
	handler := server.New(server.Config{Log: &kept, Logger: slog.New(slog.DiscardHandler)}).Handler()
	var seq int64
	counts := map[string]int64{}

	f.Fuzz(func(t *testing.T, a, b, c []byte) {
		kept.drafts = nil
		for _, body := range [][]byte{a, b, c} {
			accepted := len(kept.drafts)
			request := httptest.NewRequest("POST", "/messages", strings.NewReader(string(body)))
			request.Header.Set("Content-Type", "application/json")
			handler.ServeHTTP(httptest.NewRecorder(), request)
			if len(kept.drafts) == accepted {
				continue
			}
			// Another decoder reads the same from an accepted body.
			var sent struct{ Sender, Text string }
			if err := json.Unmarshal(body, &sent); err != nil {
				t.Fatalf("the server took %q: %v", body, err)
			}
			if d := kept.drafts[accepted]; d.Text != sent.Text || norm.NFC.String(d.Sender) != norm.NFC.String(sent.Sender) {
				t.Fatalf("the server took %q for %q, %q", body, d.Sender, d.Text)
			}
		}
		if len(kept.drafts) == 0 {
			return
		}
		for i := range kept.drafts {
			kept.drafts[i].ID = messenger.ID(uuid.New())
		}
		want := kept.drafts
		appended, err := s.Append(t.Context(), func() []messenger.Draft { return want })
		if err != nil {
			t.Fatalf("the store refuses %+v: %v", want, err)
		}
		stored, err := s.Read(t.Context(), seq, len(want)+1)
		if err != nil || len(stored) != len(want) {
			t.Fatalf("Read = %d messages, %v, want %d", len(stored), err, len(want))
		}
		for i, d := range want {
			counts[d.Sender]++
			for _, m := range []messenger.Message{appended.Results[i].Message, stored[i]} {
				if m.Sender != d.Sender || m.Text != d.Text || m.Seq != seq+int64(i)+1 || m.SenderCount != counts[d.Sender] {
					t.Errorf("%q, %q came back as %+v, want seq %d, count %d", d.Sender, d.Text, m, seq+int64(i)+1, counts[d.Sender])
				}
			}
		}
		if !slices.IsSortedFunc(stored, func(a, b messenger.Message) int { return a.SentAt.Compare(b.SentAt) }) {
			t.Errorf("the dates go back: %+v", stored)
		}
		seq += int64(len(want))
	})
}
