package loadtest

import (
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"
)

// dateForms are the forms of a date that a profile may name. Each yields
// microseconds since the Unix epoch from what stands in the answer, a JSON
// string without its quotes; zone is that of dates that name none.
var dateForms = map[string]func(s string, zone *time.Location) (int64, error){
	"rfc3339":   func(s string, _ *time.Location) (int64, error) { return rfc3339(s) },
	"isoformat": isoformat,
	"unix":      unixTime(1_000_000),
	"unix_ms":   unixTime(1_000),
	"unix_us":   unixTime(1),
}

func dateFormNames() []string { return slices.Sorted(maps.Keys(dateForms)) }

func rfc3339(s string) (int64, error) {
	t, err := time.Parse(time.RFC3339, s) // which accepts a fraction
	return t.UnixMicro(), err
}

// isoformat reads what Python's datetime.isoformat and str write, and
// PostgreSQL.
func isoformat(s string, zone *time.Location) (int64, error) {
	s = strings.Replace(s, " ", "T", 1)
	for _, zoneForm := range []string{"Z07:00", "", "Z0700", "Z07"} {
		if t, err := time.ParseInLocation("2006-01-02T15:04:05"+zoneForm, s, zone); err == nil {
			return t.UnixMicro(), nil
		}
	}
	return 0, fmt.Errorf("%q is not a date in ISO format", s)
}

// utcOffset is the zone that a profile names as in "+03:00".
func utcOffset(s string) (*time.Location, error) {
	t, err := time.Parse("-07:00", s)
	if err != nil {
		return nil, fmt.Errorf(`"answer.utc_offset" is %q; write it as in "+03:00"`, s)
	}
	_, seconds := t.Zone()
	return time.FixedZone(s, seconds), nil
}

// unixTime reads a decimal number of units of the given length, exactly: a
// float64 could not hold the seconds since 1970 to the microsecond.
func unixTime(microseconds int64) func(string, *time.Location) (int64, error) {
	return func(s string, _ *time.Location) (int64, error) {
		if len(s) > 40 {
			return 0, errors.New("not a time in numbers")
		}
		r, ok := new(big.Rat).SetString(s)
		if !ok {
			return 0, fmt.Errorf("%q is not a time in numbers", s)
		}
		r.Mul(r, new(big.Rat).SetInt64(microseconds))
		n := new(big.Int).Quo(r.Num(), r.Denom())
		if !n.IsInt64() {
			return 0, errors.New("time out of range")
		}
		return n.Int64(), nil
	}
}
