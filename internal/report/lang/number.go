package lang

import (
	"fmt"
	"math"
	"strconv"
)

// Thin is the narrow no-break space that separates thousands (ISO 80000-1, 7.3.1).
const Thin = "\u202f"

// Count writes n with thousands apart: 1 234 567.
func Count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + Thin + digits[i:]
	}
	return digits
}

// Decimal returns x to about three significant digits, thousands apart.
func (l Lang) Decimal(x float64) string {
	decimals := 3
	switch {
	case x == 0, x >= 99.95, x >= 1 && x == math.Trunc(x):
		return Count(int64(x + 0.5))
	case x >= 9.995:
		decimals = 1
	case x >= 0.9995:
		decimals = 2
	}
	return l.Point(strconv.FormatFloat(x, 'f', decimals, 64))
}

// Percentile is Decimal for a value that is absent if 0.
func (l Lang) Percentile(ms float64) string {
	if ms == 0 {
		return "–"
	}
	return l.Decimal(ms)
}

// Seconds returns s to the millisecond.
func (l Lang) Seconds(s float64) string { return l.Point(fmt.Sprintf("%.3f", s)) }

// Plural writes n and the noun, in the plural if n is not 1.
func Plural(n int64, noun string) string { return Lang("en").Plural(n, noun) }
