package sqlite

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"dummymessenger/internal/messenger"
)

// BenchmarkAppend measures a batch, flush included. With TMPDIR=/dev/shm a flush costs
// nothing and only our own share remains.
func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 50} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, err := Open(b.Context(), filepath.Join(b.TempDir(), "log.db"), slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			for b.Loop() {
				drafts := make([]messenger.Draft, n)
				for i := range drafts {
					id := messenger.ID(uuid.Must(uuid.NewV7()))
					drafts[i] = messenger.Draft{ID: id, Sender: fmt.Sprint("sender ", i%10), Text: "text"}
				}
				if _, err := s.Append(b.Context(), func() []messenger.Draft { return drafts }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRead is what a replayed window costs.
func BenchmarkRead(b *testing.B) {
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "log.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for n := range 20 {
		if _, err := s.Append(b.Context(), func() []messenger.Draft { return []messenger.Draft{draft(n)} }); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if _, err := s.Read(b.Context(), 10, messenger.WindowSize); err != nil {
			b.Fatal(err)
		}
	}
}
