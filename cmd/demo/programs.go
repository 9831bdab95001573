package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"dummymessenger/internal/lab"
)

// module is the path of this program's module.
const module = "dummymessenger"

// programs are the paths of the two programs that the demo runs.
type programs struct {
	server, client string
}

func programsIn(dir, prefix string) programs {
	return programs{lab.Program(dir, prefix+"server"), lab.Program(dir, prefix+"client")}
}

// findPrograms returns the programs beside the demo's own, as in a release; their names begin
// as its does, as dummymessenger-demo in a package. If there are none it builds them into dir:
// with go run, Go and the source are at hand.
func findPrograms(ctx context.Context, dir string, stderr io.Writer) (programs, error) {
	if self, err := os.Executable(); err == nil {
		dir, name := filepath.Split(self)
		prefix := name[:max(0, strings.LastIndex(name, "demo"))]
		if p := programsIn(dir, prefix); isFile(p.server) && isFile(p.client) {
			return p, nil
		}
	}
	if err := checkModule(ctx); err != nil {
		return programs{}, err
	}
	fmt.Fprintln(stderr, "building server and client")
	if err := lab.Build(ctx, dir, module+"/cmd/server", module+"/cmd/client"); err != nil {
		return programs{}, fmt.Errorf("building server and client: %w", err)
	}
	return programsIn(dir, ""), nil
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
