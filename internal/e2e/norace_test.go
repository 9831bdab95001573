//go:build !race

package e2e

// buildFlags build the programs as the tests themselves were built.
var buildFlags []string

// memoryLimit is the most that a replica may take under overload, in MiB.
const memoryLimit = 400

// connections is how many callers come at once under overload.
const connections = 5000
