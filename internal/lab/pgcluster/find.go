package pgcluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// ErrNotInstalled is what Start returns, wrapped in advice on what to install,
// when the machine has no PostgreSQL server programs.
var ErrNotInstalled = errors.New("PostgreSQL is not installed")

// installed are the folders where packages put the server programs that they
// keep out of PATH; the star stands for a version.
var installed = []string{
	"/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
	"/usr/pgsql-*/bin",                                   // Fedora, RHEL: packages of postgresql.org
	"/opt/homebrew/opt/postgresql@*/bin",                 // Homebrew
	"/usr/local/opt/postgresql@*/bin",                    // Homebrew on Intel
	"/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
	"/Library/PostgreSQL/*/bin",                          // EDB's installer on macOS
	filepath.Join(os.Getenv("ProgramFiles"), "PostgreSQL", "*", "bin"),
}

// find returns the folder of the PostgreSQL server programs: the one in PATH,
// else the one that pg_config names, else the newest in the usual places.
func find() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil && complete(filepath.Dir(real)) {
			return filepath.Dir(real), nil
		}
	}
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		if dir := strings.TrimSpace(string(out)); complete(dir) {
			return dir, nil
		}
	}
	var found []string
	for _, pattern := range installed {
		dirs, _ := filepath.Glob(pattern) // the only error is a bad pattern
		found = append(found, slices.DeleteFunc(dirs, func(dir string) bool { return !complete(dir) })...)
	}
	if len(found) == 0 {
		return "", fmt.Errorf("%w on this machine, or its server programs are not in PATH; %s", ErrNotInstalled, advice())
	}
	return slices.MaxFunc(found, func(a, b string) int { return slices.Compare(version(a), version(b)) }), nil
}

// complete reports whether dir holds the programs that a cluster needs.
func complete(dir string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		if _, err := exec.LookPath(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

var digits = regexp.MustCompile(`\d+`)

// version is the numbers in path, which order installed folders by version.
func version(path string) (v []int) {
	for _, s := range digits.FindAllString(path, -1) {
		n, _ := strconv.Atoi(s)
		v = append(v, n)
	}
	return v
}

func advice() string {
	switch runtime.GOOS {
	case "darwin":
		return "install it with: brew install postgresql@17"
	case "windows":
		return "install it with: winget install PostgreSQL.PostgreSQL.17"
	}
	return "install it with: apt-get install postgresql (Debian, Ubuntu), dnf install postgresql-server (Fedora, RHEL) or the like"
}
