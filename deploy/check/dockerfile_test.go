package check

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

const root = "../.."

func stages(t *testing.T) []instructions.Stage {
	t.Helper()
	file, err := os.Open(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	parsed, err := parser.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, warning := range parsed.Warnings {
		t.Errorf("Dockerfile: %s", warning.Short)
	}
	stages, _, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		t.Fatal(err)
	}
	return stages
}

func targets(t *testing.T) (names []string) {
	for _, stage := range stages(t) {
		names = append(names, stage.Name)
	}
	return names
}

func TestDockerfile(t *testing.T) {
	stages := stages(t)
	if last := stages[len(stages)-1]; last.Name != "server" {
		t.Errorf("docker build makes %q by default, want the server", last.Name)
	}
	images := map[string]instructions.Stage{}
	for _, stage := range stages {
		images[stage.Name] = stage
		for _, command := range stage.Commands {
			if copied, ok := command.(*instructions.CopyCommand); ok && copied.From != "" {
				if _, ok := images[copied.From]; !ok {
					t.Errorf("%s copies from %q, which is not above it", stage.Name, copied.From)
				}
			}
		}
	}
	if base := images["base"]; base.BaseName != "scratch" || !slices.ContainsFunc(base.Commands, func(c instructions.Command) bool {
		user, ok := c.(*instructions.UserCommand)
		return ok && user.User == "65532:65532"
	}) {
		t.Error("the images hold more than they need, or run as root")
	}
	for _, name := range []string{"client", "demo", "server"} {
		if images[name].BaseName != "base" {
			t.Errorf("%s is made from %q, want base", name, images[name].BaseName)
		}
	}
	if !slices.ContainsFunc(images["server"].Commands, func(c instructions.Command) bool {
		check, ok := c.(*instructions.HealthCheckCommand)
		if ok && check.Health.StartInterval != 0 {
			t.Error("Docker before 25 and Podman 4 refuse a health check with --start-interval")
		}
		return ok
	}) {
		t.Error("the server has no health check")
	}
}
