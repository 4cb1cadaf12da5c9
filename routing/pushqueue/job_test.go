package pushqueue

import (
	"strings"
	"testing"
	"time"
)

// A newer job keeps the time before which the one that it replaces may not be
// pushed, unless it lifts the reason.
func TestHoldOutlivesReplacement(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	later, past := now.Add(10*time.Minute), now.Add(-time.Second)
	for _, c := range []struct {
		what         string
		older, newer Job
		until        time.Time
		hold         int
	}{
		{"a retry binds all", Job{NotBefore: later, Hold: HoldRetry}, Job{Urgency: 3}, later, HoldRetry},
		{"a hold of a later release binds all", Job{NotBefore: later, Hold: 9}, Job{Urgency: 3}, later, 9},
		{"quiet hours bind what is normal", Job{NotBefore: later, Hold: HoldQuiet}, Job{Urgency: 2}, later, HoldQuiet},
		{"quiet hours let a call through", Job{NotBefore: later, Hold: HoldQuiet}, Job{Urgency: 3}, time.Time{}, HoldNone},
		{"a window binds what is low", Job{NotBefore: later, Hold: HoldWindow}, Job{Urgency: 1}, later, HoldWindow},
		{"a window lets what is normal through", Job{NotBefore: later, Hold: HoldWindow}, Job{Urgency: 2}, time.Time{}, HoldNone},
		{"a stopped application binds all", Job{NotBefore: later, Hold: HoldPaused, WaitsFor: "ios app"}, Job{Urgency: 3}, later, HoldPaused},
		{"and does when the time is over, too", Job{NotBefore: past, Hold: HoldPaused, WaitsFor: "ios app"}, Job{Urgency: 3}, past, HoldPaused},
		{"what lifts brings its own", Job{NotBefore: later, Hold: HoldWindow}, Job{Urgency: 2, NotBefore: now.Add(time.Minute), Hold: HoldQuiet}, now.Add(time.Minute), HoldQuiet},
		{"what is due takes the newer along", Job{}, Job{Urgency: 1, NotBefore: later, Hold: HoldWindow}, time.Time{}, HoldNone},
		{"so does what has become due", Job{NotBefore: past, Hold: HoldRetry}, Job{Urgency: 1, NotBefore: later, Hold: HoldWindow}, time.Time{}, HoldNone},
	} {
		got := c.newer.over(c.older, now)
		if !got.NotBefore.Equal(c.until) || got.Hold != c.hold || c.hold == HoldPaused && got.WaitsFor != c.older.WaitsFor {
			t.Errorf("%s: not before %v, hold %d, waits for %q; want %v, %d", c.what, got.NotBefore, got.Hold, got.WaitsFor, c.until, c.hold)
		}
	}
	if got := (Job{}).over(Job{Failures: 3, Reason: "TooManyRequests"}, now); got.Failures != 3 || got.Reason != "TooManyRequests" {
		t.Errorf("the newer job forgot why the older one waits: %+v", got)
	}
}

func TestHoldIsStored(t *testing.T) {
	j := Job{
		Tenant: "acme", User: "u1", Device: "d1", Kind: "messages", Version: 5, EventAt: time.UnixMilli(1_700_000_000_000), Urgency: 2,
		NotBefore: time.UnixMilli(1_700_000_600_000), Hold: HoldQuiet, Failures: 2, Reason: "quiet\nhours " + strings.Repeat("x", 2*maxReason),
	}
	data, err := j.marshal()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(j.subject(time.UnixMilli(1_700_000_000_000)), data)
	if err != nil {
		t.Fatal(err)
	}
	if !got.NotBefore.Equal(j.NotBefore) || got.Hold != j.Hold || got.Failures != 2 || !strings.HasPrefix(got.Reason, "quiet?hours x") || len(got.Reason) != maxReason {
		t.Errorf("read %+v, stored %+v", got, j)
	}
	if got, err := Parse(plain().subject(time.Now()), must(plain().marshal())); err != nil || !got.NotBefore.IsZero() {
		t.Errorf("a job without a hold is read as %+v, %v", got, err)
	}
}

// A worker knows by the application's name that the job is written down already,
// whatever devices call it. It is printed as one line.
func TestApplicationIsStoredAsItIs(t *testing.T) {
	for _, app := range []string{"com.example.app", "größer app", "a\nb", strings.Repeat("ä", maxReason/2)} {
		j := plain()
		j.NotBefore, j.Hold, j.WaitsFor = j.EventAt, HoldPaused, "android "+app
		got, err := Parse(j.subject(j.EventAt), must(j.marshal()))
		if err != nil || got.WaitsFor != j.WaitsFor {
			t.Errorf("%q: read %q, %v", j.WaitsFor, got.WaitsFor, err)
		}
		if strings.ContainsAny(got.App(), "ä\n") {
			t.Errorf("%q is printed", got.App())
		}
	}
	j := plain()
	j.WaitsFor = strings.Repeat("ä", maxWaitsFor)
	if _, err := Parse(j.subject(j.EventAt), must(j.marshal())); err != nil {
		t.Error(err)
	}
}

func plain() Job {
	return Job{Tenant: "acme", User: "u1", Device: "d1", Kind: "messages", Version: 5, EventAt: time.UnixMilli(1_700_000_000_000), Urgency: 2}
}

func must(data []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return data
}
