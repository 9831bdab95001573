//go:build !race

package e2e

import "time"

// buildFlags build the programs as the tests themselves were built.
var buildFlags []string

// memoryLimit is the most that a replica may take under overload, in MiB.
const memoryLimit = 400

// connections is how many callers come at once under overload.
const connections = 5000

// overloadTimeout is how long they may wait to be stored. Most must be refused
// before the first of them give up.
const overloadTimeout = 5 * time.Second

// overloadSlack is how late a refusal may come when so many come at once.
const overloadSlack = 3 * time.Second

// slack is for a machine that has much else to do; no promise depends on it.
const slack = time.Second
