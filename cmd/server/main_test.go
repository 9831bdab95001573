package main

import "testing"

func TestHasPassword(t *testing.T) {
	for database, want := range map[string]bool{
		"postgres://anna:hunter2@db/log":            true,
		"postgres://anna:@db/log":                   true,
		"postgresql:///log?user=a&password=hunter2": true,
		"postgres://db/log?sslpassword=hunter2":     true,
		"postgres://anna@db/log?sslmode=require":    false,
		"postgres:///log?passfile=/etc/pgpass":      false,
		"sqlite:password.db":                        false,
	} {
		if got := hasPassword(database); got != want {
			t.Errorf("hasPassword(%q) = %v, want %v", database, got, want)
		}
	}
}
