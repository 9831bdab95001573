// Package textfile reads the text files that people write for our programs.
package textfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Read returns the whole file as Clean leaves it. It reads the file once, so
// path may be a pipe.
func Read(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if data, err = Clean(data); err != nil {
		err = fmt.Errorf("%s:1: %w", path, err)
	}
	return data, err
}

// ReadRegular is Read for a file that must not block: it refuses a pipe, a socket or a
// terminal. The null device is empty.
func ReadRegular(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if null, err := os.Stat(os.DevNull); !Rereadable(info) && (err != nil || !os.SameFile(info, null)) {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return Read(path)
}

// Clean returns text without the byte-order mark that Windows editors begin a
// file with, and with their CRLF line ends as LF. Text in UTF-16 is an error.
func Clean(text []byte) ([]byte, error) {
	if isUTF16(text) {
		return nil, errUTF16
	}
	return bytes.ReplaceAll(bytes.TrimPrefix(text, mark), []byte("\r\n"), []byte("\n")), nil
}

// NewReader returns r without a byte-order mark. Text in UTF-16 is an error.
func NewReader(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	start, _ := b.Peek(len(mark)) // an error comes again
	switch {
	case isUTF16(start):
		return nil, errUTF16
	case bytes.Equal(start, mark):
		b.Discard(len(mark)) // cannot fail: it is buffered
	}
	return b, nil
}

var (
	mark     = []byte("\ufeff")
	errUTF16 = errors.New("the text is in UTF-16, as Windows PowerShell's > writes it; store it as UTF-8, as with | Out-File -Encoding utf8")
)

func isUTF16(text []byte) bool {
	return bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff"))
}

// Rereadable reports whether a file of this kind yields its content at every
// reading: a pipe, a socket or a terminal yields it once, and may block.
func Rereadable(info fs.FileInfo) bool { return info.Mode().IsRegular() }
