package push

import (
	"testing"
	"time"
)

func TestQuietHours(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skipf("this system knows no time zones: %v", err)
	}
	night := Quiet{From: 22 * time.Hour, To: 7*time.Hour + 30*time.Minute, Zone: berlin}
	noon := Quiet{From: 12 * time.Hour, To: 14 * time.Hour}
	for _, c := range []struct {
		q         Quiet
		now, want string // want empty: not quiet
	}{
		{night, "2026-01-10T20:59:59Z", ""},
		{night, "2026-01-10T21:00:00Z", "2026-01-11T06:30:00Z"},
		{night, "2026-01-11T06:29:59Z", "2026-01-11T06:30:00Z"},
		{night, "2026-01-11T06:30:00Z", ""},
		{night, "2026-03-28T22:00:00Z", "2026-03-29T05:30:00Z"}, // clocks go forward
		{night, "2026-10-25T03:00:00Z", "2026-10-25T06:30:00Z"}, // and back
		{noon, "2026-01-10T13:00:00Z", "2026-01-10T14:00:00Z"},
		{noon, "2026-01-10T14:00:00Z", ""},
		{noon, "2026-01-10T11:59:59Z", ""},
		{Quiet{}, "2026-01-10T13:00:00Z", ""},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if end, quiet := c.q.until(now); quiet {
			got = end.UTC().Format(time.RFC3339)
		}
		if got != c.want {
			t.Errorf("at %s: %q, want %q", c.now, got, c.want)
		}
	}
}

// In quiet hours only what is urgent is pushed; the rest is, over a minute, when
// they end.
func TestQuietHoursHold(t *testing.T) {
	run(t, nil, func(b *bench) {
		now := time.Now().UTC()
		midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
		from := now.Sub(midnight).Truncate(time.Minute)
		b.defaults.Quiet = Quiet{From: from, To: (from + 2*time.Hour) % (24 * time.Hour)}
		normal := b.hand(job(1))
		call := job(2)
		call.Device, call.Urgency = "d2", High
		urgent := b.hand(call)
		pass(2 * time.Second)
		urgent.want("done")
		normal.want("retry")
		if how, after := normal.held(); how != HoldQuiet || after < 2*time.Hour-2*time.Minute || after > 2*time.Hour+quietSpread {
			t.Errorf("held for %d over %v", how, after)
		}
		pass(2*time.Hour + quietSpread)
		again := b.hand(job(1))
		pass(2 * time.Second)
		again.want("done")
	})
}
