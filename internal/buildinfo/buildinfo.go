// Package buildinfo identifies the build of the running program.
package buildinfo

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set when a release is built without its git repository:
//
//	go build -ldflags '-X dummymessenger/internal/buildinfo.version=v1.2.3'
//
// Otherwise it is empty, and Read uses the go command's own stamp.
var version string

// Info is one build.
type Info struct {
	Version  string // of the release, or the go command's for a commit; "devel" if neither is known
	Revision string // the commit; empty if it is not known
	Modified bool   // the source differed from the commit
	Go       string // version of Go
	Platform string // system and processor, as in linux/amd64
}

// Read returns the Info of the running program.
func Read() Info {
	stamp, _ := debug.ReadBuildInfo() // nil in a program built without modules
	return read(version, stamp)
}

func read(linked string, stamp *debug.BuildInfo) Info {
	info := Info{Version: linked, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if stamp != nil {
		for _, s := range stamp.Settings {
			switch s.Key {
			case "vcs.revision":
				info.Revision = s.Value
			case "vcs.modified":
				info.Modified = s.Value == "true"
			}
		}
		if info.Version == "" && stamp.Main.Version != "(devel)" {
			info.Version = stamp.Main.Version
		}
	}
	if info.Version == "" {
		info.Version = "devel"
	}
	return info
}

// String is one line for people, without the program's name.
func (i Info) String() string {
	commit := ""
	if i.Revision != "" {
		commit = "commit " + i.Revision[:min(12, len(i.Revision))]
		if i.Modified {
			commit += ", modified"
		}
		commit += "; "
	}
	return fmt.Sprintf("%s (%s%s, %s)", i.Version, commit, i.Go, i.Platform)
}
