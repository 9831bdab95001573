package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// benchBody is a message of about the size that the client sends.
const benchBody = `{"sender":"Анна","text":"привет, \"мир\"\nhow are you? 🙂 run 7, worker 12, number 99"}`

func BenchmarkDecode(b *testing.B) {
	var d decoder
	b.ReportAllocs()
	b.SetBytes(int64(len(benchBody)))
	for b.Loop() {
		d.body.Reset()
		d.body.WriteString(benchBody)
		if _, err := d.decode(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPost is the whole handler, without a network.
func BenchmarkPost(b *testing.B) {
	h := New(Config{Log: newLog(b), Logger: discard}).Handler()
	r := httptest.NewRequest("POST", "/messages", nil)
	r.Header.Set("Content-Type", "application/json")
	r.ContentLength = int64(len(benchBody))
	var reader strings.Reader
	r.Body = io.NopCloser(&reader)
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(benchBody)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}

// BenchmarkExchange is a replica's work from a request's bytes to its answer's,
// for callers who keep their connections: net/http, the handler, the combiner and
// a log in memory. The callers themselves allocate nothing.
func BenchmarkExchange(b *testing.B) {
	for _, callers := range []int{1, 50} {
		b.Run(fmt.Sprintf("%d callers", callers), func(b *testing.B) { benchmarkExchange(b, callers) })
	}
}

func benchmarkExchange(b *testing.B, callers int) {
	s := New(Config{Log: newLog(b), Logger: discard})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { s.Serve(ctx, ln) })
	b.Cleanup(func() { cancel(); serving.Wait() })

	request := fmt.Appendf(nil, "POST /messages HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		ln.Addr(), len(benchBody), benchBody)
	conns := make(chan net.Conn, callers)
	for range callers {
		conn, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close()
		conns <- conn
	}
	b.ReportAllocs()
	b.ResetTimer()
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			conn := <-conns
			answers := bufio.NewReaderSize(conn, 16<<10)
			for range (b.N + i) / callers {
				if _, err := conn.Write(request); err != nil {
					b.Error(err)
					return
				}
				if err := skipAnswer(answers); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
}

// skipAnswer reads an answer with status 200 and forgets it.
func skipAnswer(r *bufio.Reader) error {
	length := 0
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && string(line) != "HTTP/1.1 200 OK\r\n" {
			return fmt.Errorf("the answer begins %q", line)
		}
		const header = "Content-Length: "
		if len(line) > len(header) && string(line[:len(header)]) == header {
			for _, digit := range line[len(header) : len(line)-2] {
				length = 10*length + int(digit-'0')
			}
		}
		if len(line) == 2 {
			_, err = r.Discard(length)
			return err
		}
	}
}
