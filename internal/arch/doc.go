// Package arch tests that the imports between our packages go one way.
package arch
