package demo

import (
	"testing"
	"time"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func at(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

func TestBalance(t *testing.T) {
	events := []event{
		{user: "a", kind: "messages", version: 10, stored: at(0)},
		{user: "a", kind: "messages", version: 11, stored: at(100)},
	}
	hear := func(version int64, ms int) arrival { return arrival{"messages", version, at(ms)} }
	pushed := func(version int64, ms int) push { return push{"t", "messages", version, at(ms)} }
	tests := []struct {
		name     string
		arrivals []arrival
		pushes   []push
		want     account
	}{
		{"delivered", []arrival{hear(10, 5), hear(11, 105)}, nil,
			account{Delivered: 2}},
		{"one push for both", nil, []push{pushed(11, 200)},
			account{Pushed: 2}},
		{"pushed, then fetched", []arrival{hear(10, 300), hear(11, 301)}, []push{pushed(11, 200)},
			account{Pushed: 2}},
		{"second lost", []arrival{hear(10, 5)}, nil,
			account{Delivered: 1, Lost: 1}},
		{"a push of before cannot stand for it", nil, []push{pushed(11, 50)},
			account{Pushed: 1, Lost: 1}},
		{"handed over twice", []arrival{hear(10, 5), hear(10, 6), hear(11, 105)}, nil,
			account{Delivered: 2, Twice: 1}},
		{"pushed though heard", []arrival{hear(10, 5), hear(11, 105)}, []push{pushed(11, 200)},
			account{Delivered: 2, Twice: 1}},
		{"pushed twice", nil, []push{pushed(11, 200), pushed(11, 300)},
			account{Pushed: 2, Twice: 1}},
		{"heard backwards", []arrival{hear(11, 105), hear(10, 106)}, nil,
			account{Delivered: 2, Backwards: 1}},
		{"pushed backwards", nil, []push{pushed(11, 200), pushed(10, 300)},
			account{Pushed: 2, Backwards: 1}},
		{"another kind is another story", []arrival{{"contacts", 10, at(5)}, hear(11, 105)}, nil,
			account{Delivered: 1, Lost: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := balance(events, []deviceRecord{
				{user: "a", device: "phone", arrivals: tt.arrivals, pushes: tt.pushes},
				{user: "b", device: "other"},
			})
			if faults := tt.want.Lost + tt.want.Twice + tt.want.Backwards; len(got.Faults) != faults {
				t.Errorf("faults %q, want %d of them", got.Faults, faults)
			}
			if ok := got.balanced(); ok != (len(got.Faults) == 0) {
				t.Errorf("balanced() = %v with faults %q", ok, got.Faults)
			}
			got.Faults = nil
			tt.want.Events, tt.want.Pairs = 2, 2
			if !equal(got, tt.want) {
				t.Errorf("balance = %+v, want %+v", got, tt.want)
			}
		})
	}
}

func equal(a, b account) bool {
	return a.Events == b.Events && a.Pairs == b.Pairs && a.Delivered == b.Delivered &&
		a.Pushed == b.Pushed && a.Lost == b.Lost && a.Twice == b.Twice && a.Backwards == b.Backwards
}

func TestAnEmptyRunDoesNotBalance(t *testing.T) {
	if balance(nil, nil).balanced() {
		t.Error("an account of nothing balances: a demo that did nothing would pass")
	}
}

func TestQuantile(t *testing.T) {
	var sorted []time.Duration
	if got := quantile(sorted, 0.5); got != 0 {
		t.Errorf("quantile of nothing = %v", got)
	}
	for i := 1; i <= 100; i++ {
		sorted = append(sorted, time.Duration(i))
	}
	for q, want := range map[float64]time.Duration{0: 1, 0.5: 50, 0.99: 99, 1: 100} {
		if got := quantile(sorted, q); got != want {
			t.Errorf("quantile(%v) = %v, want %v", q, got, want)
		}
	}
}
