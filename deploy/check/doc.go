// Package check holds tests only: the files that deploy the programs, read as
// those would that they are for.
package check
