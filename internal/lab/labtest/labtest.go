// Package labtest gives each test what it needs of the lab: a PostgreSQL
// database, a cluster to crash, a browser. What one test starts is gone when
// that test ends.
//
// The server for databases is the one that the environment variable
// DUMMYMESSENGER_TEST_POSTGRES names (a URL of a role that may create
// databases), else a throw-away cluster that the first test to ask for it
// starts and all tests of one test binary share. A package whose tests use
// PostgreSQL needs
//
//	func TestMain(m *testing.M) { labtest.Main(m) }
//
// Where a program is not installed, the tests that need it are skipped, or
// fail if the environment says CI=true.
package labtest

import (
	"os"
	"os/exec"
	"testing"
)

// Missing ends a test that cannot get what it needs: it skips the test, or
// fails it where CI=true promises that everything is there.
func Missing(t testing.TB, what string, err error) {
	t.Helper()
	if os.Getenv("CI") != "true" {
		t.Skipf("needs %s: %v", what, err)
	}
	t.Fatalf("needs %s: %v", what, err)
}

// Program is the path of a program that the test needs.
func Program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, name, err)
	}
	return path
}
