package lab

import (
	"bytes"
	"os"
	"regexp"
	"strings"
)

// announcement is the line in which a server gives its address.
var announcement = regexp.MustCompile(`(?m)\bmsg=listening\b.*\baddr=(\S+)`)

// A log is the file that gets what one process prints. It watches for the
// announcement of the address, since the port is free for the system to choose.
type log struct {
	file      *os.File
	listening chan struct{} // closed when addr is known
	addr      string        // guarded by listening
	line      []byte        // the unfinished last line, kept until addr is known
}

func openLog(path string) (*log, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &log{file: file, listening: make(chan struct{})}, nil
}

// Write is called by one goroutine: os/exec copies stdout and stderr, being
// equal, through one pipe.
func (l *log) Write(p []byte) (int, error) {
	if l.addr == "" {
		l.watch(p)
	}
	return l.file.Write(p)
}

func (l *log) watch(p []byte) {
	l.line = append(l.line, p...)
	end := bytes.LastIndexByte(l.line, '\n') + 1
	if found := announcement.FindSubmatch(l.line[:end]); found != nil {
		l.addr = string(found[1])
		l.line = nil
		close(l.listening)
		return
	}
	l.line = l.line[end:]
}

// address waits for nothing: it is empty if the server has not announced any.
func (l *log) address() string {
	select {
	case <-l.listening:
		return l.addr
	default:
		return ""
	}
}

// Tail returns the last lines of the file at path, such as a program's log, or
// why it cannot be read.
func Tail(path string, lines int) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
