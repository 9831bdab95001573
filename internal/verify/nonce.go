package verify

import (
	"strconv"
	"strings"
)

// A Nonce names one operation of one run inside the text of its message:
//
//	[dm:RUN:WORKER:NUMBER]
//
// RUN is 1 to 32 ASCII letters and digits, the numbers are decimal without
// leading zeros, so that a nonce has exactly one spelling. The brackets and
// colons are ASCII and unlike anything people write, hence it can stand
// anywhere in a text of any language.
type Nonce struct {
	Run            string
	Worker, Number int
}

const (
	nonceOpen  = "[dm:"
	maxRun     = 32
	maxOrdinal = 1<<31 - 1 // of a worker, or of a number
	maxDigits  = len("2147483647")
)

func (n Nonce) String() string {
	return nonceOpen + n.Run + ":" + strconv.Itoa(n.Worker) + ":" + strconv.Itoa(n.Number) + "]"
}

// FindNonce returns the first nonce in text, of whatever run.
func FindNonce(text string) (Nonce, bool) {
	for {
		i := strings.Index(text, nonceOpen)
		if i < 0 {
			return Nonce{}, false
		}
		text = text[i+len(nonceOpen):]
		run, rest, _ := strings.Cut(text, ":")
		if !validRun(run) {
			continue
		}
		worker, rest, isWorker := parseOrdinal(rest, ':')
		number, _, isNumber := parseOrdinal(rest, ']')
		if isWorker && isNumber {
			return Nonce{run, worker, number}, true
		}
	}
}

// parseOrdinal reads a canonical decimal number and the byte that ends it.
func parseOrdinal(s string, end byte) (n int, rest string, ok bool) {
	i := strings.IndexByte(s[:min(len(s), maxDigits+1)], end)
	if i < 1 || i > 1 && s[0] == '0' {
		return 0, "", false
	}
	u, err := strconv.ParseUint(s[:i], 10, 31)
	return int(u), s[i+1:], err == nil
}

func validRun(run string) bool {
	return run != "" && len(run) <= maxRun && !strings.ContainsFunc(run, func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	})
}
