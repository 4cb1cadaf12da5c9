package push

import (
	"testing"
	"time"
)

// A clock that is off by what push services take is not blamed.
func TestClockOff(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		date time.Time
		want string // empty: the clock is right, or nobody knows
	}{
		{time.Time{}, ""}, {now, ""}, {now.Add(clockTolerance), ""}, {now.Add(-clockTolerance), ""},
		{now.Add(90 * time.Second), "the clock of this machine is 1m30s slow by the push service's."},
		{now.Add(-time.Hour), "the clock of this machine is 1h0m0s fast by the push service's."},
	} {
		d, off := ClockOff(c.date, now)
		if off != (c.want != "") || d.Problem != c.want || off != (d.Finding == CredentialRefused) {
			t.Errorf("%v: %s", c.date, d)
		}
	}
}
