package nemesis

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/verify"
)

// Readers watch a log through its replicas while it is written: some follow /events,
// some page through /history. Each message must be seen as the table has it in the end,
// by each follower once and in order, and none may be seen that the table then lacks.
type readers struct {
	urls   []string
	token  string
	client *http.Client
	stop   context.CancelFunc
	all    sync.WaitGroup

	mu       sync.Mutex
	followed [][]verify.Entry // by follower, from the first message on
	paged    map[int64]verify.Entry
	wrong    []string
}

const (
	followers = 2

	// silence is how long a stream may lack even a heartbeat, which comes every 5 s.
	silence = 8 * time.Second
)

// startReaders starts readers of the replicas that config names.
func startReaders(config *loadtest.Config, seed uint64) *readers {
	ctx, stop := context.WithCancel(context.Background())
	r := &readers{
		urls: config.URLs, token: config.Token, stop: stop,
		followed: make([][]verify.Entry, followers), paged: map[int64]verify.Entry{},
		client: &http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: config.RootCAs}, ResponseHeaderTimeout: silence, DisableKeepAlives: true,
		}},
	}
	for i := range followers {
		r.all.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			for ctx.Err() == nil {
				r.follow(ctx, i, random)
				pause(ctx, time.Duration(random.IntN(50))*time.Millisecond)
			}
		})
	}
	r.all.Go(func() {
		random := rand.New(rand.NewPCG(seed, followers))
		for ctx.Err() == nil {
			r.page(ctx, random)
			pause(ctx, time.Duration(20+random.IntN(80))*time.Millisecond)
		}
	})
	return r
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (r *readers) report(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.wrong) < 20 {
		r.wrong = append(r.wrong, fmt.Sprintf(format, args...))
	}
}

func (r *readers) get(ctx context.Context, url string, after int64) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	if after >= 0 {
		request.Header.Set("Last-Event-ID", strconv.FormatInt(after, 10))
	}
	if r.token != "" {
		request.Header.Set("Authorization", "Bearer "+r.token)
	}
	return r.client.Do(request)
}

// follow reads one stream, from where follower i is, and cuts it after a random number of
// messages. Now and then it is slow, and seldom it stands still.
func (r *readers) follow(ctx context.Context, i int, random *rand.Rand) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	awake := time.AfterFunc(silence, cancel)
	defer awake.Stop()
	at := r.position(i)
	response, err := r.get(ctx, r.urls[random.IntN(len(r.urls))]+"/events", at)
	if err != nil {
		return
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		if response.StatusCode == http.StatusBadRequest {
			said, _ := io.ReadAll(response.Body)
			r.report("follower %d has seen message %d, and cannot go on from there: %s", i+1, at, said)
		}
		return
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	var id, data string
	for left := random.IntN(400); left > 0 && lines.Scan(); {
		awake.Reset(silence)
		if value, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			id = value
		}
		if value, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			data = value
		}
		if lines.Text() != "" || data == "" {
			continue // an event ends with an empty line; one that is cut before is none
		}
		e, err := decodeEntry([]byte(data))
		if err != nil || id != strconv.FormatInt(e.Seq, 10) || e.Seq != at+1 {
			r.report("follower %d was at message %d and is shown %q as %s (%v)", i+1, at, data, id, err)
			return
		}
		at, data = e.Seq, ""
		r.mu.Lock()
		r.followed[i] = append(r.followed[i], e)
		r.mu.Unlock()
		switch left--; random.IntN(2000) {
		case 0: // it stands still, and the server may give it up
			pause(ctx, silence/2)
		case 1, 2, 3, 4, 5, 6, 7, 8, 9, 10: // it is slow
			pause(ctx, time.Duration(random.IntN(300))*time.Millisecond)
		}
	}
}

// position is how far follower i has got.
func (r *readers) position(i int) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return int64(len(r.followed[i]))
}

// page reads some messages before a random one.
func (r *readers) page(ctx context.Context, random *rand.Rand) {
	limit, before := 1+random.IntN(200), 1+random.Int64N(r.position(0)+20)
	url := fmt.Sprintf("%s/history?before=%d&limit=%d", r.urls[random.IntN(len(r.urls))], before, limit)
	response, err := r.get(ctx, url, -1)
	if err != nil {
		return
	}
	defer response.Body.Close()
	var page struct{ Messages []json.RawMessage }
	if response.StatusCode != http.StatusOK || json.NewDecoder(response.Body).Decode(&page) != nil {
		return
	}
	last := int64(0)
	for _, raw := range page.Messages {
		e, err := decodeEntry(raw)
		if err != nil || last != 0 && e.Seq != last+1 || e.Seq >= before {
			r.report("%s shows %s behind message %d (%v)", url, raw, last, err)
			return
		}
		last = e.Seq
		r.mu.Lock()
		known, seen := r.paged[e.Seq]
		r.paged[e.Seq] = e
		r.mu.Unlock()
		if seen && known != e {
			r.report("%s shows %+v, and a page before showed %+v", url, e, known)
		}
	}
}

// decodeEntry reads a message as answers and events show it.
func decodeEntry(raw []byte) (verify.Entry, error) {
	var m struct {
		Seq         int64
		Sender      string
		SenderCount int64 `json:"sender_count"`
		Text        string
		SentAt      time.Time `json:"sent_at"`
	}
	err := json.Unmarshal(raw, &m)
	return verify.Entry{Seq: m.Seq, Sender: m.Sender, SenderCount: m.SenderCount, Text: m.Text, SentAt: m.SentAt.UnixMicro()}, err
}

// judge waits until the followers have seen all of table, ends them, and returns what
// they saw that is not so. It gives them as long as ctx lasts.
func (r *readers) judge(ctx context.Context, table []verify.Entry) []string {
	waited := await(ctx, func() bool {
		for i := range followers {
			if r.position(i) < int64(len(table)) {
				return false
			}
		}
		return true
	})
	r.end()
	if waited != nil {
		r.report("followers are at %d and %d of %d messages long after the load has ended", r.position(0), r.position(1), len(table))
	}
	for i, seen := range r.followed {
		seen = seen[:min(len(seen), len(table))]
		if !slices.Equal(seen, table[:len(seen)]) {
			at := 0
			for seen[at] == table[at] {
				at++
			}
			r.report("follower %d was shown %+v where the table has %+v", i+1, seen[at], table[at])
		}
		if len(r.followed[i]) > len(table) {
			r.report("follower %d was shown %+v, and the table ends before", i+1, r.followed[i][len(table)])
		}
	}
	for seq, e := range r.paged {
		if seq > int64(len(table)) || table[seq-1] != e {
			r.report("a page of the history showed %+v, which the table does not have there", e)
		}
	}
	return r.wrong
}

// end ends all reading.
func (r *readers) end() {
	r.stop()
	r.all.Wait()
}
