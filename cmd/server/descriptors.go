package main

import (
	"fmt"
	"log/slog"
)

// keptDescriptors is how many file descriptors are kept for the rest of the program:
// the database's connections, files, and the runtime.
const keptDescriptors = 32

// leastDescriptors is the lowest limit that a server starts with.
const leastDescriptors = 2 * keptDescriptors

const maxFarewells = 64 // connections that are refused at one time

// fitConnections returns how many of the connections asked for the process may have,
// and how many refused ones beside them. At its start Go has raised the soft limit of
// open files to the hard one.
func fitConnections(asked int, logger *slog.Logger) (connections, farewells int, err error) {
	limit, ok := maxOpenFiles()
	if !ok {
		return asked, maxFarewells, nil
	}
	if limit < leastDescriptors {
		return 0, 0, fmt.Errorf("this process may have %d files open (ulimit -n), which is too few; allow at least %d",
			limit, leastDescriptors)
	}
	connections, farewells = share(asked, limit)
	if connections < asked {
		logger.Warn("the limit of open files allows fewer connections; raise it (ulimit -n, LimitNOFILE) or lower --max-connections",
			"open_files", limit, "needed", asked+maxFarewells+keptDescriptors, "max_connections", connections, "asked", asked)
	}
	return connections, farewells, nil
}

// share divides limit descriptors, at least leastDescriptors.
func share(asked, limit int) (connections, farewells int) {
	rest := limit - keptDescriptors
	farewells = min(maxFarewells, rest/4)
	return min(asked, rest-farewells), farewells
}
