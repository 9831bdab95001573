// Publish gives the module the path at which others will find it:
//
//	go run ./deploy/publish github.com/NAME/REPOSITORY
//
// It renames the module wherever its path is written, and puts badges, git clone and go install
// into the READMEs. Run it once, in the root of the repository, and look at the changes before
// you commit them.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"
)

func main() {
	if len(os.Args) != 2 || !modulePath.MatchString(os.Args[1]) {
		fmt.Fprintln(os.Stderr, "publish: name the path, as in\n\n    go run ./deploy/publish github.com/NAME/REPOSITORY")
		os.Exit(64)
	}
	if err := publish(".", os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "publish:", err)
		os.Exit(1)
	}
}

var (
	// modulePath matches what the go command can download: the first element has a dot.
	modulePath = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+(/[A-Za-z0-9._-]+)+$`)

	// ours matches the module's path where it is one, and not the name of a file or a user.
	ours = regexp.MustCompile(`(?m)(^module |^replace |^const module = "|[ "])dummymessenger($| =>|"$|/"|/(?:bench|cmd|deploy|docs|examples|internal)\b)`)
)

// publish renames the module in the folder root.
func publish(root, module string) error {
	if text, err := os.ReadFile(filepath.Join(root, "go.mod")); err != nil || !strings.HasPrefix(string(text), "module dummymessenger\n") {
		return errors.New(`go.mod in this folder does not begin with "module dummymessenger"; run it once, in the root of the repository`)
	}
	return filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "publish"):
			return fs.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		before, err := os.ReadFile(name)
		if err != nil || !utf8.Valid(before) {
			return err
		}
		text := ours.ReplaceAllString(string(before), "${1}"+module+"${2}")
		if strings.HasPrefix(d.Name(), "README") && filepath.Dir(name) == filepath.Clean(root) {
			text = introduce(text, module)
		}
		if text == string(before) {
			return nil
		}
		return os.WriteFile(name, []byte(text), 0o666) // its mode stays
	})
}

// introduce adds to a README how to get the module.
func introduce(text, module string) string {
	badges := "[![Go Reference](https://pkg.go.dev/badge/" + module + ".svg)](https://pkg.go.dev/" + module + ")\n"
	if strings.HasPrefix(module, "github.com/") {
		ci := "https://" + module + "/actions/workflows/ci.yml"
		badges = "[![ci](" + ci + "/badge.svg)](" + ci + ")\n" + badges
	}
	title, rest, _ := strings.Cut(text, "\n\n")
	return title + "\n\n" + badges + "\n    git clone https://" + module + "\n    go install " + module + "/cmd/...@latest\n\n" + rest
}
