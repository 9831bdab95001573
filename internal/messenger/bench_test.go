package messenger

import (
	"strings"
	"testing"
)

// BenchmarkSenderTooLong measures the most expensive sender to refuse: combining marks only.
func BenchmarkSenderTooLong(b *testing.B) {
	sender := strings.Repeat("\u0301\u0323", 16000) // 64 KB
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewDraft(sender, "x"); err == nil {
			b.Fatal("it was accepted")
		}
	}
}
