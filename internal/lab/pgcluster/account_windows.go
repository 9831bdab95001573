package pgcluster

import (
	"os"
	"os/exec"
)

// An account is the user that PostgreSQL's programs run as: ours on Windows.
type account struct{}

func newAccount() (account, error) { return account{}, nil }
func (account) apply(*exec.Cmd)    {}
func (account) own(string) error   { return nil }
func (account) tempDir() string    { return os.TempDir() }
