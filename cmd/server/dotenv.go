package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/joho/godotenv"

	"dummymessenger/internal/program"
)

const (
	dotEnvName      = ".env"
	databaseName    = "DATABASE_URL"
	defaultDatabase = "sqlite:dummymessenger.db"
)

// dotEnv is what the file .env holds.
type dotEnv struct {
	values map[string]string
	lines  map[string]int // where each name is set
}

// readDotEnv reads .env in the working directory; a missing file is an empty one. Its
// errors name a line and never quote it, since there may be a password in it.
func readDotEnv() (dotEnv, error) {
	content, err := readRegular(dotEnvName)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return dotEnv{}, nil
	case err != nil:
		return dotEnv{}, fmt.Errorf("the file .env cannot be read: %w", err)
	}
	lines, err := checkDotEnv(content)
	if err != nil {
		return dotEnv{}, err
	}
	values, err := godotenv.UnmarshalBytes(content)
	if err != nil {
		return dotEnv{}, errors.New("the file .env is malformed; each of its lines must be NAME=value, a comment or empty")
	}
	return dotEnv{values, lines}, nil
}

// readRegular reads a file that must not block: it refuses a pipe, a socket or a
// terminal. The null device is empty.
func readRegular(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if null, err := os.Stat(os.DevNull); !info.Mode().IsRegular() && (err != nil || !os.SameFile(info, null)) {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return program.ReadText(path)
}

var (
	assignment = regexp.MustCompile(`^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)[ \t]*=[ \t]*(.*)$`)
	closing    = map[byte]*regexp.Regexp{ // the rest of a value, by its opening quote
		'"':  regexp.MustCompile(`^(?:[^"\\]|\\.)*"\s*(?:#.*)?$`),
		'\'': regexp.MustCompile(`^[^']*'\s*(?:#.*)?$`),
	}
	reference = regexp.MustCompile(`(\\?)\$([{(]?)([A-Z0-9_]*)(\}?)`) // as godotenv expands it
)

// checkDotEnv returns the line of each name. It refuses lines that godotenv reads
// differently than they look: NAME: value, a name that runs over two lines, text behind
// a closing quote, and $NAME where no line above sets NAME, which would expand to
// nothing.
func checkDotEnv(content []byte) (map[string]int, error) {
	names := make(map[string]int)
	malformed := func(line int, what string) (map[string]int, error) {
		return nil, fmt.Errorf(".env:%d: %s", line, what)
	}
	lines := strings.Split(string(content), "\n")
	for i := 0; i < len(lines); i++ {
		if text := strings.TrimSpace(lines[i]); text == "" || text[0] == '#' {
			continue
		}
		number := i + 1
		found := assignment.FindStringSubmatch(lines[i])
		if found == nil {
			return malformed(number, "write NAME=value, a comment or nothing in a line; this one is none of them")
		}
		name, value := found[1], found[2]
		if value != "" && (value[0] == '"' || value[0] == '\'') {
			end := closing[value[0]]
			value = value[1:]
			for !end.MatchString(value) {
				if i++; i == len(lines) {
					return malformed(number, "the value does not end with the quote that it begins with")
				}
				value += "\n" + lines[i]
			}
			if found[2][0] == '\'' {
				value = "" // nothing is expanded in it
			}
		} else {
			value, _, _ = strings.Cut(value, " #")
		}
		for _, r := range reference.FindAllStringSubmatch(value, -1) {
			if isRead(name) && !isDefined(r, names) {
				return malformed(number, "$NAME and ${NAME} stand for what a line above sets; "+
					"put a value with another dollar sign in single quotes")
			}
		}
		names[name] = number
	}
	return names, nil
}

// isDefined reports whether godotenv has a value for found, which reference matched, or
// leaves it as it is.
func isDefined(found []string, names map[string]int) bool {
	escape, open, name, end := found[1], found[2], found[3], found[4]
	_, set := names[name]
	return escape != "" || open == "" && name == "" || set && (open == "") == (end == "") && open != "("
}

// isRead reports whether the server reads name from .env: DATABASE_URL, or libpq's.
func isRead(name string) bool { return name == databaseName || strings.HasPrefix(name, "PG") }

// isCompose reports whether name is for docker compose, which reads the same file.
func isCompose(name string) bool {
	prefix, _, found := strings.Cut(name, "_")
	return found && slices.Contains([]string{"POSTGRES", "COMPOSE", "DOCKER"}, prefix)
}

// database returns the URL in .env, or the default. It returns an error if a URL stands
// under another name: then the default is probably not what was meant.
func (e dotEnv) database() (string, error) {
	if url := e.values[databaseName]; url != "" {
		return url, nil
	}
	for _, name := range e.names() {
		for _, scheme := range []string{"sqlite:", "postgres:", "postgresql:"} {
			if strings.HasPrefix(e.values[name], scheme) && !isRead(name) {
				return "", fmt.Errorf(".env:%d: %s has the URL of a database, but the server reads %s; "+
					"rename it, or say --database %s to use that", e.lines[name], name, databaseName, defaultDatabase)
			}
		}
	}
	return defaultDatabase, nil
}

// export adds libpq's variables to the environment, except those that are set there
// and not empty.
func (e dotEnv) export() {
	for name, value := range e.values {
		if isRead(name) && name != databaseName && os.Getenv(name) == "" {
			os.Setenv(name, value)
		}
	}
}

// unread returns the lines whose names neither the server nor docker compose reads,
// with the name unless that may be part of a secret.
func (e dotEnv) unread() []string {
	var lines []string
	for _, name := range e.names() {
		if !isRead(name) && !isCompose(name) {
			line := fmt.Sprintf(".env:%d", e.lines[name])
			if name == strings.ToUpper(name) {
				line += " " + name
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// names returns the names in the order of their lines.
func (e dotEnv) names() []string {
	return slices.SortedFunc(maps.Keys(e.values), func(a, b string) int { return e.lines[a] - e.lines[b] })
}
