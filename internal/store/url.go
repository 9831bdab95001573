package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What to write in place of a URL that is refused.
const (
	writePath = "write sqlite:PATH, as in sqlite:messages.db"
	writeURL  = writePath + ", or postgres://USER@HOST/DATABASE"
)

// checkText refuses what an editor, a shell or a secret's file adds to a URL.
func checkText(url string) error {
	first, _ := utf8.DecodeRuneInString(url)
	last, _ := utf8.DecodeLastRuneInString(url)
	invisible := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsGraphic(r) }
	switch {
	case url == "":
		return errors.New("the database URL is empty; " + writeURL)
	case last == '\n' || last == '\r':
		return errors.New("the database URL ends with a line end; remove it")
	case invisible(first) || invisible(last):
		return errors.New("the database URL begins or ends with a space or an invisible character; remove it")
	case strings.ContainsFunc(url, unicode.IsControl):
		return errors.New("the database URL holds a line end or another control character; remove it")
	case strings.ContainsRune(`"'`, first):
		return errors.New("the database URL begins with a quotation mark; remove it, and the one at the end")
	}
	return nil
}

// beginning says how url begins, unless that might show a password.
func beginning(url string) string {
	scheme, _, found := strings.Cut(url, ":")
	switch known := strings.ToLower(scheme); {
	case !found || !isScheme.MatchString(scheme):
		return "has no scheme"
	case known == "postgres", known == "postgresql":
		return fmt.Sprintf("begins with %q, and %s:// is meant", scheme+":", known)
	}
	return fmt.Sprintf("begins with %q", scheme+":")
}

var (
	isScheme  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]{0,15}$`)
	isEncoded = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	isOpen    = regexp.MustCompile(`^((mode|cache|vfs|psow|nolock|immutable)=[a-z0-9-]*(&|$))*$`) // options without secrets
	isDrive   = regexp.MustCompile(`^[A-Za-z]:`)
)

// checkPath returns an error if name, the PATH of sqlite:PATH, could be meant in another
// way. The error says what to write in its place.
func checkPath(name string) error {
	first, _ := utf8.DecodeRuneInString(name)
	lower := strings.ToLower(name)
	windows := runtime.GOOS == "windows"
	plain, options, hasOptions := strings.Cut(name, "?") // what comes after it may be secret, and so may what comes before an @
	if _, host, found := strings.Cut(plain, "@"); found {
		plain = "…@" + host
	}
	shown := plain
	switch {
	case hasOptions && isOpen.MatchString(options):
		shown += "?" + options
	case hasOptions:
		shown += "?…"
	}
	refused := func(format string, args ...any) error {
		return fmt.Errorf("the database URL sqlite:%s %s", shown, fmt.Sprintf(format, args...))
	}
	switch {
	case name == "":
		return errors.New("the database URL sqlite: names no file; " + writePath)
	case unicode.IsSpace(first) || !unicode.IsGraphic(first):
		return refused("has a space or an invisible character before the file's name; remove it")
	case strings.ContainsRune(`"'`, first):
		return refused("has a quotation mark before the file's name; remove it")
	case strings.HasPrefix(name, "//"):
		plain := strings.TrimLeft(plain, "/")
		return refused("has slashes after the colon, which is a relative file to some programs and an absolute one to others; "+
			"write sqlite:%s or sqlite:/%s", plain, plain)
	case strings.HasPrefix(lower, "file:"):
		return refused("has SQLite's own form of a URL in it; write sqlite:%s", "PATH")
	case strings.HasPrefix(name, ":"), lower == "memory":
		return refused("is not a file, and replicas can share nothing else; " + writePath)
	case name == "-":
		return refused("is a file named -; write sqlite:./- if that is meant")
	case strings.Contains(name, "?"):
		return refused("has a question mark in it, but there are no options; remove what begins there, or name the file without one")
	case isEncoded.MatchString(name):
		return refused("has %s in it, but names are not encoded; write the character itself, or name the file without a percent sign",
			isEncoded.FindString(name))
	case strings.HasSuffix(name, "/"), windows && strings.HasSuffix(name, `\`):
		return refused("is a folder; name a file in it")
	case !windows && isDrive.MatchString(name):
		return refused("begins with a drive, which is for Windows; write sqlite:./%s if the file is called that", name)
	case windows && isDrive.MatchString(name) && !filepath.IsAbs(name):
		return refused(`depends on the drive's working directory; write sqlite:%s\PATH`, name[:2])
	}
	for _, suffix := range []string{"-wal", "-shm", "-journal", ".lock"} {
		if strings.HasSuffix(lower, suffix) {
			return refused("is a file that belongs to a database; write sqlite:%s", name[:len(name)-len(suffix)])
		}
	}
	return nil
}
