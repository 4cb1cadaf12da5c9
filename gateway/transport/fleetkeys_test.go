package transport

import (
	"slices"
	"testing"
	"time"
)

func TestTicketKeysChange(t *testing.T) {
	keys := func(secret string, at time.Time) [][32]byte {
		k, err := newFleetKeys([]byte(secret)).tickets(at)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	today := keys("a secret", noon)
	if !slices.Equal(today, keys("a secret", noon.Add(time.Hour))) {
		t.Error("two edges differ within a day")
	}
	if slices.Contains(keys("another", noon), today[0]) {
		t.Error("another fleet has the same key")
	}
	for days, opens := range map[int]bool{-2: false, -1: true, 1: true, 2: true, 3: false} {
		then := keys("a secret", noon.AddDate(0, 0, days))
		if then[0] == today[0] {
			t.Errorf("the same key encrypts %d days later", days)
		}
		// A day earlier: at an edge whose clock is behind.
		if slices.Contains(then, today[0]) != opens {
			t.Errorf("%d days later a ticket of today opens: %v", days, !opens)
		}
	}
	for at, want := range map[time.Time]time.Duration{
		noon:                                 10 * time.Minute,
		noon.Add(12*time.Hour - time.Minute): time.Minute,
		noon.Add(12 * time.Hour):             10 * time.Minute,
	} {
		if d := untilNextTickets(at); d != want {
			t.Errorf("at %v keys are looked at in %v, want %v", at, d, want)
		}
	}
}

// What is derived from one secret must not be the same twice.
func TestFleetKeysDiffer(t *testing.T) {
	f := newFleetKeys([]byte("a secret"))
	reset, err1 := f.reset()
	token, err2 := f.token()
	tickets, err3 := f.tickets(time.Unix(0, 0))
	one, err4 := f.node("edge-1")
	other, err5 := f.node("edge-2")
	for _, err := range []error{err1, err2, err3, err4, err5} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if [32]byte(*reset) == [32]byte(*token) || [32]byte(*reset) == tickets[0] || [32]byte(*token) == tickets[0] || one == other {
		t.Error("two keys are the same")
	}
	again, _ := newFleetKeys([]byte("a secret")).reset()
	if *again != *reset {
		t.Error("a restarted edge has another key")
	}
	unshared, _ := newFleetKeys(nil).reset()
	if another, _ := newFleetKeys(nil).reset(); *another == *unshared {
		t.Error("two listeners without a secret have the same key")
	}
}
