//go:build unix && !linux

package main

import "errors"

func mountDisk(string) error { return errors.ErrUnsupported }

func unmountDisk(string) error { return errors.ErrUnsupported }

func (r *run) fillDisk() error { return errors.ErrUnsupported }
