// Package textfile reads the text files that people write for our programs.
package textfile

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
)

// Read returns the whole file as Clean leaves it. It reads the file once, so
// path may be a pipe.
func Read(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	return Clean(data), err
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
// file with, and with their CRLF line ends as LF.
func Clean(text []byte) []byte {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	return bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
}

// Rereadable reports whether a file of this kind yields its content at every
// reading: a pipe, a socket or a terminal yields it once, and may block.
func Rereadable(info fs.FileInfo) bool { return info.Mode().IsRegular() }
