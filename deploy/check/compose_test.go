package check

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// load resolves a compose file as Compose does, with .env.example as its .env
// and all profiles.
func load(t *testing.T, name string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, name)},
		cli.WithEnvFiles(filepath.Join(root, ".env.example")), cli.WithDotEnv, cli.WithProfiles([]string{"*"}))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestCompose(t *testing.T) {
	for file, services := range map[string][]string{
		"compose.yaml":    {"client", "postgres", "replica1", "replica2"},
		"compose.ha.yaml": {"client", "primary", "replica1", "replica2", "standby"},
	} {
		t.Run(file, func(t *testing.T) {
			project := load(t, file)
			if got := project.ServiceNames(); !slices.Equal(got, services) {
				t.Fatalf("services %q, want %q", got, services)
			}
			for name, service := range project.Services {
				for _, port := range service.Ports {
					if address, err := netip.ParseAddr(port.HostIP); err != nil || !address.IsLoopback() {
						t.Errorf("%s publishes port %s on %q, not on loopback", name, port.Published, port.HostIP)
					}
				}
				for dependency, how := range service.DependsOn {
					if how.Condition != types.ServiceConditionHealthy {
						t.Errorf("%s does not wait until %s is healthy", name, dependency)
					}
				}
				if service.Build != nil && !slices.Contains(targets(t), orServer(service.Build.Target)) {
					t.Errorf("%s is built from the target %q, which the Dockerfile lacks", name, service.Build.Target)
				}
				for _, volume := range service.Volumes {
					if volume.Type != types.VolumeTypeBind {
						continue
					}
					if info, err := os.Stat(volume.Source); err != nil || info.Mode()&0o111 == 0 {
						t.Errorf("%s mounts %s, which is no program: %v", name, volume.Source, err)
					}
				}
			}
			if client := project.Services["client"]; !slices.Equal(client.Profiles, []string{"client"}) {
				t.Errorf("the client starts with the profiles %q", client.Profiles)
			}
		})
	}
}

// TestComposeDatabase: the programs in containers and those outside, by
// .env.example, must reach the same database.
func TestComposeDatabase(t *testing.T) {
	project := load(t, "compose.yaml")
	if got := *project.Services["replica1"].Environment["DATABASE_URL"]; got != "postgres://messenger:changeMe@postgres:5432/messenger" {
		t.Errorf("replica1 has DATABASE_URL=%s", got)
	}
	if got := project.Environment["DATABASE_URL"]; got != "postgres://messenger:changeMe@127.0.0.1:55432/messenger" {
		t.Errorf(".env.example has DATABASE_URL=%s", got)
	}
	if port := project.Services["postgres"].Ports[0]; port.Published != "55432" || port.Target != 5432 {
		t.Errorf("postgres publishes %s for %d", port.Published, port.Target)
	}
}

func orServer(target string) string {
	if target == "" {
		return "server"
	}
	return target
}
