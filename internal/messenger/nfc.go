package messenger

import (
	"slices"

	"golang.org/x/text/unicode/norm"
)

// maxDecomposition is the most characters that one decomposes into canonically.
const maxDecomposition = 4

// nfc returns s in Normalization Form C (Unicode Standard Annex #15).
//
// norm.NFC itself yields the stream-safe format: it inserts U+034F after 30
// combining characters in a row, so names that are canonically equal could come out
// different. So only its tables are used: what a character decomposes into, in which
// order marks stand, and what a pair composes to.
func nfc(s string) string {
	if norm.NFC.IsNormalString(s) {
		return s
	}
	type char struct {
		r     rune
		class uint8 // canonical combining class; 0 is a starter
	}
	var chars []char
	for _, r := range s {
		for _, d := range norm.NFD.String(string(r)) {
			chars = append(chars, char{d, norm.NFC.PropertiesString(string(d)).CCC()})
		}
	}
	// Canonical ordering: marks between two starters by class.
	for begin := 0; begin < len(chars); {
		end := begin + 1
		for end < len(chars) && chars[end].class != 0 {
			end++
		}
		marks := chars[begin:end]
		if marks[0].class == 0 {
			marks = marks[1:]
		}
		slices.SortStableFunc(marks, func(a, b char) int { return int(a.class) - int(b.class) })
		begin = end
	}
	// Canonical composition: a character joins the last starter unless one of
	// its own class or higher stands between them.
	composed := chars[:0]
	starter := -1
	for _, c := range chars {
		last := len(composed) - 1
		if starter >= 0 && (last == starter || composed[last].class != 0 && composed[last].class < c.class) {
			if r, ok := compose(composed[starter].r, c.r); ok {
				composed[starter].r = r
				continue
			}
		}
		if c.class == 0 {
			starter = len(composed)
		}
		composed = append(composed, c)
	}
	runes := make([]rune, len(composed))
	for i, c := range composed {
		runes[i] = c.r
	}
	return string(runes)
}

// compose returns the character that a and b compose to, if there is one.
func compose(a, b rune) (rune, bool) {
	pair := []rune(norm.NFC.String(string([]rune{a, b})))
	return pair[0], len(pair) == 1
}
