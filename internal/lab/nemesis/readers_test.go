package nemesis

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/verify"
)

// Readers are content with a log that is shown as it is, and notice what must not be.
func TestReaders(t *testing.T) {
	var table []verify.Entry
	for i := range int64(500) {
		table = append(table, verify.Entry{Seq: i + 1, Sender: "a", SenderCount: i + 1, Text: fmt.Sprint("text ", i), SentAt: 1_000_000 * (i + 1)})
	}
	encode := func(e verify.Entry) string {
		return fmt.Sprintf(`{"seq":%d,"sender":%q,"sender_count":%d,"text":%q,"sent_at":%q}`, e.Seq, e.Sender, e.SenderCount, e.Text,
			time.UnixMicro(e.SentAt).UTC().Format(time.RFC3339Nano))
	}
	cut := verify.Entry{Text: "the end of the connection"}
	for name, test := range map[string]struct {
		show func(after int64, e verify.Entry) []verify.Entry // in place of e, on a stream that began behind after
		want string                                           // "": all is well
	}{
		"right, and cut in the middle of an event": {func(after int64, e verify.Entry) []verify.Entry {
			if e.Seq == after+100 {
				return []verify.Entry{e, cut}
			}
			return []verify.Entry{e}
		}, ""},
		"right": {func(_ int64, e verify.Entry) []verify.Entry { return []verify.Entry{e} }, ""},
		"skips one at a reconnect": {func(after int64, e verify.Entry) []verify.Entry {
			if after > 0 && e.Seq == after+1 {
				return nil
			}
			return []verify.Entry{e}
		}, "was at message"},
		"repeats one": {func(_ int64, e verify.Entry) []verify.Entry {
			if e.Seq == 77 {
				return []verify.Entry{e, e}
			}
			return []verify.Entry{e}
		}, "was at message 77"},
		"shows before the commit": {func(_ int64, e verify.Entry) []verify.Entry {
			if e.Seq == 500 {
				e.Text = "rolled back"
			}
			return []verify.Entry{e}
		}, "rolled back"},
		"shows one that is lost": {func(_ int64, e verify.Entry) []verify.Entry {
			if e.Seq == 500 {
				lost := e
				lost.Seq++
				return []verify.Entry{e, lost}
			}
			return []verify.Entry{e}
		}, "the table ends before"},
		"shows a changed one": {func(_ int64, e verify.Entry) []verify.Entry {
			e.SenderCount += e.Seq % 2
			return []verify.Entry{e}
		}, "where the table has"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mux := http.NewServeMux()
			mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
				after, _ := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64)
				for _, e := range table[min(after, int64(len(table))):] {
					for _, shown := range test.show(after, e) {
						if shown == cut {
							fmt.Fprintf(w, "id: %d\ndata: %s", e.Seq+1, encode(e)[:40])
							http.NewResponseController(w).Flush()
							panic(http.ErrAbortHandler)
						}
						fmt.Fprintf(w, "id: %d\ndata: %s\n\n", shown.Seq, encode(shown))
					}
				}
			})
			mux.HandleFunc("GET /history", func(w http.ResponseWriter, r *http.Request) {
				before, _ := strconv.ParseInt(r.FormValue("before"), 10, 64)
				limit, _ := strconv.ParseInt(r.FormValue("limit"), 10, 64)
				var page []string
				for _, e := range table[max(0, before-1-limit):min(before-1, int64(len(table)))] {
					page = append(page, encode(e))
				}
				fmt.Fprintf(w, `{"messages":[%s]}`, strings.Join(page, ","))
			})
			s := httptest.NewServer(mux)
			defer s.Close()
			r := startReaders(&loadtest.Config{URLs: []string{s.URL, s.URL}}, 1)
			limit := 10 * time.Second
			if test.want != "" {
				limit = 2 * time.Second // some never get to the end
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			wrong := r.judge(ctx, table)
			if test.want == "" && wrong != nil || test.want != "" && !strings.Contains(strings.Join(wrong, "\n"), test.want) {
				t.Errorf("readers say %q, want %q", wrong, test.want)
			}
		})
	}
}
