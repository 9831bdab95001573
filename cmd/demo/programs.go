package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// module is the path of this program's module.
const module = "dummymessenger"

// programs are the paths of the two programs that the demo runs.
type programs struct {
	server, client string
}

func programsIn(dir string) programs {
	suffix := ""
	if runtime.GOOS == "windows" {
		suffix = ".exe"
	}
	return programs{filepath.Join(dir, "server"+suffix), filepath.Join(dir, "client"+suffix)}
}

// findPrograms takes the programs beside the demo's own, where a release has
// them, and else builds them into dir: whoever runs the demo with go run has
// Go and the source.
func findPrograms(ctx context.Context, dir string, stderr io.Writer) (programs, error) {
	if self, err := os.Executable(); err == nil {
		if p := programsIn(filepath.Dir(self)); isFile(p.server) && isFile(p.client) {
			return p, nil
		}
	}
	if err := checkModule(ctx); err != nil {
		return programs{}, err
	}
	fmt.Fprintln(stderr, "building server and client")
	// Version stamping is off: it fails where git distrusts the folder's owner.
	build := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", dir+string(filepath.Separator),
		module+"/cmd/server", module+"/cmd/client")
	if out, err := build.CombinedOutput(); err != nil {
		return programs{}, fmt.Errorf("building server and client: %w\n%s", err, out)
	}
	return programsIn(dir), nil
}

// checkModule makes sure that go can build our programs from where we are.
func checkModule(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "go", "list", "-m").Output()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return errors.New("the programs server and client are not beside the demo, and there is no go in PATH to build them")
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil || strings.TrimSpace(string(out)) != module:
		return fmt.Errorf("the programs server and client are not beside the demo; to build them, run it in %s's source folder", module)
	}
	return nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
