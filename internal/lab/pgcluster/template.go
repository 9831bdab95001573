package pgcluster

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// A Template is the data of a new cluster, to start any number of clusters from.
// They have the same password.
type Template struct{ cluster *Cluster }

// NewTemplate makes a template. The caller must Remove it. If there are no
// server programs the error is ErrNotInstalled.
func NewTemplate(ctx context.Context) (*Template, error) {
	c, err := newCluster("")
	if err != nil {
		return nil, err
	}
	if err := c.initdb(ctx); err != nil {
		return nil, errors.Join(err, c.removeAll())
	}
	return &Template{c}, nil
}

// Remove removes the template; clusters that were started from it stay.
func (t *Template) Remove() error { return t.cluster.removeAll() }

// copyData makes the data folder a copy of a template's.
func (c *Cluster) copyData(t *Template) error {
	c.password = t.cluster.password
	from := t.cluster.dataDir()
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := c.dataDir() + path[len(from):]
		if entry.IsDir() {
			err = os.Mkdir(to, 0o700)
		} else {
			err = copyFile(path, to)
		}
		return errors.Join(err, c.account.own(to))
	})
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}
