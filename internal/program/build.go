package program

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set when a release is built without its git repository:
//
//	go build -ldflags '-X dummymessenger/internal/program.version=v1.2.3'
//
// Otherwise it is empty, and ReadBuild uses the go command's own stamp.
var version string

// A Build identifies what runs.
type Build struct {
	Version  string // of the release, or the go command's for a commit; "devel" if neither is known
	Revision string // the commit; empty if it is not known
	Go       string // version of Go
	modified bool   // the source differed from the commit
}

// ReadBuild returns the Build of the running program.
func ReadBuild() Build {
	stamp, _ := debug.ReadBuildInfo() // nil in a program built without modules
	return readBuild(version, stamp)
}

func readBuild(linked string, stamp *debug.BuildInfo) Build {
	b := Build{Version: cmp.Or(linked, "devel"), Go: runtime.Version()}
	if stamp == nil {
		return b
	}
	if v := stamp.Main.Version; linked == "" && v != "" && v != "(devel)" {
		b.Version = v
	}
	for _, s := range stamp.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.modified = s.Value == "true"
		}
	}
	return b
}

// String is one line for people, without the program's name.
func (b Build) String() string {
	commit := ""
	if b.Revision != "" {
		commit = "commit " + b.Revision[:min(12, len(b.Revision))]
		if b.modified {
			commit += ", modified"
		}
		commit += "; "
	}
	return fmt.Sprintf("%s (%s%s, %s/%s)", b.Version, commit, b.Go, runtime.GOOS, runtime.GOARCH)
}
