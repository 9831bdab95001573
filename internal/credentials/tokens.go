package credentials

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"iter"
	"log/slog"
	"runtime"
	"strings"
)

// Tokens are bearer tokens in a file, one a line. Empty lines and lines that begin
// with # are ignored.
type Tokens struct {
	watched *watched[[]hash]
}

// A hash stands for a token, so that comparing takes the same time for tokens of any
// length.
type hash = [sha256.Size]byte

// shortest is the length below which a token can be guessed.
const shortest = 16

// OpenTokens reads the file, which must hold at least one token. If it is emptied
// later, no token is valid.
func OpenTokens(path string, logger *slog.Logger) (*Tokens, error) {
	info, err := stat(path)
	if err != nil {
		return nil, fmt.Errorf("the tokens cannot be read: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o007 != 0 {
		logger.Warn("every user of this machine can get at the tokens; chmod o-rwx the file", "path", path)
	}
	w, err := watch(logger, func(contents [][]byte) ([]hash, error) {
		return parseTokens(contents[0], path, logger)
	}, path)
	if err != nil {
		return nil, fmt.Errorf("the tokens cannot be read: %w", err)
	}
	if len(w.get()) == 0 {
		return nil, noToken(path)
	}
	return &Tokens{w}, nil
}

func parseTokens(content []byte, path string, logger *slog.Logger) ([]hash, error) {
	var hashes []hash
	for number, token := range lines(content) {
		if !isToken(token) {
			return nil, notToken(path, number)
		}
		if len(token) < shortest {
			logger.Warn("a token is so short that it can be guessed", "path", path, "line", number, "characters", len(token))
		}
		hashes = append(hashes, sha256.Sum256([]byte(token)))
	}
	return hashes, nil
}

// lines returns the numbers and texts of the lines that are not to be ignored.
func lines(content []byte) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		number := 0
		for line := range bytes.Lines(content) {
			number++
			line = bytes.TrimSpace(line)
			if len(line) > 0 && line[0] != '#' && !yield(number, string(line)) {
				return
			}
		}
	}
}

func notToken(path string, line int) error {
	return fmt.Errorf("%s, line %d: a token is of letters, digits and -._~+/ only, with = at its end (RFC 6750)", path, line)
}

// isToken reports whether s is a b64token (RFC 6750, section 2.1).
func isToken(s string) bool {
	s = strings.TrimRight(s, "=")
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r|0x20 < 'a' || r|0x20 > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("-._~+/", r)
	})
}

// Valid reports whether token is one of them. The time it takes depends on their
// number only.
func (t *Tokens) Valid(token string) bool {
	presented := sha256.Sum256([]byte(token))
	found := 0
	for _, known := range t.watched.get() {
		found |= subtle.ConstantTimeCompare(presented[:], known[:])
	}
	return found == 1
}

// ReadToken returns the first token in the file.
func ReadToken(path string) (string, error) {
	content, err := readWithin(startPatience, path)
	if err != nil {
		return "", err
	}
	for number, token := range lines(content) {
		if !isToken(token) {
			return "", notToken(path, number)
		}
		return token, nil
	}
	return "", noToken(path)
}

func noToken(path string) error {
	return fmt.Errorf("the file %s holds no token; write one a line", path)
}
