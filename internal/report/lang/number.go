package lang

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Thin is the narrow no-break space that separates thousands (ISO 80000-1, 7.3.1).
const Thin = "\u202f"

// Count writes n with thousands apart: 1 234 567.
func Count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	return sign + groupThousands(digits)
}

func groupThousands(digits string) string {
	var b strings.Builder
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(Thin)
		}
		b.WriteByte(digits[i])
	}
	return b.String()
}

// decimal writes x to about three significant digits, thousands apart.
func decimal(x float64) string {
	switch {
	case x == 0:
		return "0"
	case x >= 99.95 || x >= 1 && x == math.Trunc(x):
		return Count(int64(x + 0.5))
	case x >= 9.995:
		return fmt.Sprintf("%.1f", x)
	case x >= 0.9995:
		return fmt.Sprintf("%.2f", x)
	}
	return fmt.Sprintf("%.3f", x)
}

// Plural writes n and the noun, in the plural if n is not 1.
func Plural(n int64, noun string) string { return Lang("en").Plural(n, noun) }
