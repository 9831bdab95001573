// Package program is what each of our programs does alike: it names its build, ends on
// signals, logs without being held up, and takes text as people write it.
package program
