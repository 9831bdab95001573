package program

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

var (
	mark     = []byte("\ufeff")
	errUTF16 = errors.New("the text is in UTF-16, as Windows PowerShell's > writes it; " +
		"store it as UTF-8, as with | Out-File -Encoding utf8")
)

// ReadText returns the whole file as CleanText leaves it. It reads the file once, so
// path may be a pipe.
func ReadText(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if data, err = CleanText(data); err != nil {
		err = fmt.Errorf("%s:1: %w", path, err)
	}
	return data, err
}

// CleanText returns text without the byte-order mark that Windows editors begin a
// file with, and with their CRLF line ends as LF. Text in UTF-16 is an error.
func CleanText(text []byte) ([]byte, error) {
	if isUTF16(text) {
		return nil, errUTF16
	}
	return bytes.ReplaceAll(bytes.TrimPrefix(text, mark), []byte("\r\n"), []byte("\n")), nil
}

// NewTextReader returns r without a byte-order mark. Text in UTF-16 is an error.
func NewTextReader(r io.Reader) (io.Reader, error) {
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

func isUTF16(text []byte) bool {
	return bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff"))
}
