// Package textfile reads the text files that people write for our programs.
package textfile

import (
	"bytes"
	"io/fs"
	"os"
)

// Read returns the whole file as Clean leaves it. It reads the file once, so
// path may be a pipe.
func Read(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	return Clean(data), err
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
