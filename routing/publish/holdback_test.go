package publish

import (
	"testing"
	"time"

	"connectrpc.com/connect"
)

// offer has two tenants publish for five seconds, evenly, and returns how many
// events of the last second were let through.
func offer(h *holdback, great, small int) (ofGreat, ofSmall int) {
	now := time.UnixMilli(1_700_000_000_000)
	for range 5 {
		ofGreat, ofSmall = 0, 0
		for i := range great {
			at := now.Add(time.Second * time.Duration(i) / time.Duration(great))
			if h.take("great", at) == nil {
				ofGreat++
			}
			if i%(great/small) == 0 && h.take("small", at) == nil {
				ofSmall++
			}
		}
		now = now.Add(time.Second)
	}
	return ofGreat, ofSmall
}

func TestHoldbackSparesSmallTenants(t *testing.T) {
	for _, c := range []struct {
		level       float64
		least, most int // of the great tenant's 1000 a second
		smallMay    bool
	}{
		{level: 0, least: 1000, most: 1000, smallMay: true},
		{level: 0.1, least: 400, most: 500, smallMay: true},
		{level: 0.5, least: 200, most: 300, smallMay: true},
		{level: 0.9, least: 40, most: 60, smallMay: true},
		{level: 1, least: 0, most: 0},
	} {
		h := newHoldback(func() Pressure { return Pressure{Level: c.level} }, nil)
		great, small := offer(h, 1000, 10)
		if great < c.least || great > c.most {
			t.Errorf("at %v the great tenant got %d through, want %d to %d", c.level, great, c.least, c.most)
		}
		if want := map[bool]int{true: 10}[c.smallMay]; small != want {
			t.Errorf("at %v the small tenant got %d of 10 through, want %d", c.level, small, want)
		}
	}
}

func TestHoldbackInvitesARepeat(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	h := newHoldback(func() Pressure { return Pressure{Level: 1, Cause: "the queue"} }, func(tenant string) bool { return tenant == "a" })
	for _, tenant := range []string{"a", "b"} {
		fault := h.take(tenant, now)
		if fault == nil || fault.Code != connect.CodeResourceExhausted || fault.RetryAfter < time.Second {
			t.Errorf("tenant %s: %+v", tenant, fault)
		}
	}
	if fault := newHoldback(nil, nil).take("a", now); fault != nil {
		t.Errorf("without pressure: %v", fault)
	}
}
