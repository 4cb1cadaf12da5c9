package main

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// sound is a run in which everything is in order: user A of one tenant with
// all three devices, three events of one kind and one of another, one fault;
// and a namesake at the other tenant, with an event of the same id.
func sound() facts {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	a, twin := owner{"demo", "A"}, owner{"other", "A"}
	f := facts{
		keep:   2, // and an event without an answer may be one of them
		sent:   map[string]bool{},
		phases: []phase{{fault: "calm", from: at(-5000), until: at(-5000)}, {fault: "kill", from: at(1090), until: at(1100)}},
		published: []publication{
			{owner: a, kind: "messages", key: "demo/A/messages/one", version: 11, begun: at(0), answered: at(2), attempts: 1},
			{owner: a, kind: "messages", key: "demo/A/messages/two", version: 12, begun: at(100), answered: at(103), attempts: 2},
			{owner: a, kind: "contacts", key: "demo/A/contacts/other", version: 13, begun: at(150), answered: at(151), attempts: 1},
			{owner: a, kind: "messages", key: "demo/A/messages/three", version: 15, begun: at(200), answered: at(201), attempts: 1},
			{owner: twin, kind: "messages", key: "other/A/messages/one", version: 16, begun: at(0), answered: at(2), attempts: 1},
		},
		repeats: []repeat{{key: "demo/A/messages/one", version: 11, duplicate: true}},
	}
	pushes := func() []arrival {
		return []arrival{
			{kind: "messages", version: 12, at: at(310)},
			{kind: "contacts", version: 13, at: at(311)},
			{kind: "messages", version: 15, at: at(420)},
		}
	}
	f.devices = []deviceFacts{
		{owner: a, name: "connected", part: connected, handed: []arrival{
			{kind: "messages", version: 11, key: "demo/A/messages/one", at: at(5)},
			{kind: "messages", version: 12, key: "demo/A/messages/two", at: at(104)},
			{kind: "contacts", version: 13, key: "demo/A/contacts/other", at: at(155)},
			{kind: "messages", version: 14, key: "demo/A/messages/unanswered", at: at(190)},
			{kind: "messages", version: 15, key: "demo/A/messages/three", at: at(204)},
		}},
		{owner: a, name: "away", part: away, pushes: pushes()},
		{owner: a, name: "silent", part: silent, pushes: pushes(), told: []arrival{
			{kind: "messages", version: 12, conn: 1, at: at(105)},
			{kind: "messages", version: 11, conn: 2, at: at(205)}, // another edge may lag
			{kind: "messages", version: 15, conn: 2, at: at(206)},
		}},
		{owner: twin, name: "connected", part: connected, handed: []arrival{
			{kind: "messages", version: 16, key: "other/A/messages/one", at: at(5)},
		}},
		{owner: twin, name: "away", part: away, pushes: []arrival{{kind: "messages", version: 16, at: at(300)}}},
		{owner: twin, name: "silent", part: silent, pushes: []arrival{{kind: "messages", version: 16, at: at(3300)}}},
	}
	for _, p := range f.published {
		f.sent[p.key] = true
	}
	f.sent["demo/A/messages/unanswered"] = true
	return f
}

func TestCheckerBalancesASoundRun(t *testing.T) {
	v := judge(sound())
	if !v.holds() || len(v.Faults) > 0 {
		t.Errorf("the checker finds fault with a sound run: %q", v.Faults)
	}
	if v.Pairs != 15 || v.Heard != 5 || v.Pushed != 10 || v.Snapshots != 0 || v.HandedTwice != 0 || v.PushedTwice != 0 {
		t.Errorf("balance = %+v, want 15 pairs, 5 heard and 10 pushed", v)
	}
	if len(v.HeardAfter) != 5 || v.HeardAfter[0] != 3*time.Millisecond {
		t.Errorf("heard after %v, want 5 times, the first 3ms", v.HeardAfter)
	}
}

// TestCheckerFindsWhatIsPlanted spoils a sound run in one way at a time.
func TestCheckerFindsWhatIsPlanted(t *testing.T) {
	device := func(f facts, p part) *deviceFacts {
		for i := range f.devices {
			if f.devices[i].part == p { // the first tenant's come first
				return &f.devices[i]
			}
		}
		t.Fatalf("no %s device", p)
		return nil
	}
	for _, tt := range []struct {
		name  string
		spoil func(*facts)
		want  func(verdict) int
		count int
		fault string
	}{
		{"an event is never handed over", func(f *facts) {
			d := device(*f, connected)
			d.handed = append(d.handed[:1:1], d.handed[2:]...)
		}, func(v verdict) int { return v.Lost }, 1, "lost: messages version 12"},
		{"the last event is never handed over", func(f *facts) {
			d := device(*f, connected)
			d.handed = d.handed[:4]
		}, func(v verdict) int { return v.Lost }, 1, "lost: messages version 15"},
		{"a connected device is pushed instead of handed the event", func(f *facts) {
			d := device(*f, connected)
			d.handed = d.handed[:4]
			d.pushes = device(*f, away).pushes
		}, func(v verdict) int { return v.Lost }, 1, "connected device connected of A of demo"},
		{"a snapshot of an older version only", func(f *facts) {
			d := device(*f, connected)
			d.handed = d.handed[:4]
			d.snapshots = []arrival{{kind: "messages", version: 14, at: f.published[3].answered}}
		}, func(v verdict) int { return v.Lost }, 1, "lost: messages version 15"},
		{"a snapshot of another kind", func(f *facts) {
			d := device(*f, connected)
			d.handed = d.handed[:4]
			d.snapshots = []arrival{{kind: "contacts", version: 15, at: f.published[3].answered}}
		}, func(v verdict) int { return v.Lost }, 1, "lost: messages version 15"},
		{"a snapshot of what the log still has", func(f *facts) {
			d := device(*f, connected)
			d.handed = d.handed[:4]
			d.snapshots = []arrival{{kind: "messages", version: 15, at: f.published[3].answered}}
		}, func(v verdict) int { return v.Lost }, 1, "while the log still had it"},
		{"a push of an older version only", func(f *facts) {
			d := device(*f, away)
			d.pushes[2].version = 14
		}, func(v verdict) int { return v.Lost }, 1, "lost: messages version 15"},
		{"a push before the publication only", func(f *facts) {
			d := device(*f, away)
			d.pushes[2].at = f.published[3].begun.Add(-time.Millisecond)
		}, func(v verdict) int { return v.Lost }, 1, "lost: messages version 15"},
		{"a silent device that is notified and never pushed", func(f *facts) {
			device(*f, silent).pushes = nil
		}, func(v verdict) int { return v.Lost }, 4, "silent device silent of A of demo"},
		{"an event of one kind pushed as another", func(f *facts) {
			device(*f, silent).pushes[1].kind = "messages"
		}, func(v verdict) int { return v.Lost }, 1, "lost: contacts version 13"},
		{"items are handed over backwards", func(f *facts) {
			h := device(*f, connected).handed
			h[3], h[4] = h[4], h[3]
		}, func(v verdict) int { return v.Backwards }, 1, "handed messages version 14 after 15"},
		{"pushes go backwards", func(f *facts) {
			p := device(*f, away).pushes
			p[0], p[2] = p[2], p[0]
		}, func(v verdict) int { return v.Backwards }, 1, "pushed messages version 12 after 15"},
		{"notifies of one connection go backwards", func(f *facts) {
			device(*f, silent).told[1].conn = 1
		}, func(v verdict) int { return v.Backwards }, 1, "notified messages version 11 after 12"},
		{"a repeat is answered with another version", func(f *facts) {
			f.repeats[0].version = 14
		}, func(v verdict) int { return v.StoredTwice }, 1, "messages/one has version 11 and version 14"},
		{"a repeat is not called a duplicate", func(f *facts) {
			f.repeats[0].duplicate = false
		}, func(v verdict) int { return v.StoredTwice }, 1, "messages/one"},
		{"one id is stored twice", func(f *facts) {
			d := device(*f, connected)
			again := d.handed[4]
			again.version++
			d.handed = append(d.handed, again)
		}, func(v verdict) int { return v.StoredTwice }, 1, "messages/three has version 15 and version 16"},
		{"an id without an answer is stored twice", func(f *facts) {
			device(*f, connected).handed[4].key = "demo/A/messages/unanswered"
		}, func(v verdict) int { return v.StoredTwice }, 1, "messages/unanswered has version 14 and version 15"},
		{"two ids are answered with one version", func(f *facts) {
			f.published[3].version = 12
		}, func(v verdict) int { return v.Strange }, 1, "both answered messages version 12"},
		{"an item that nobody published", func(f *facts) {
			device(*f, connected).handed[3].key = "demo/A/messages/made-up"
		}, func(v verdict) int { return v.Strange }, 1, "nobody published that"},
		{"an item of the other tenant", func(f *facts) {
			h := device(*f, connected).handed
			h[0].key = "other/A/messages/one"
		}, func(v verdict) int { return v.Strange }, 1, "nobody published that"},
		{"an item of another kind", func(f *facts) {
			h := device(*f, connected).handed
			h[0].key = "demo/A/contacts/other"
		}, func(v verdict) int { return v.Strange }, 1, "nobody published that"},
		{"the namesake at the other tenant is not handed its event", func(f *facts) {
			f.devices[3].handed = nil
		}, func(v verdict) int { return v.Lost }, 1, "A of other"},
		{"the other tenant's event is swallowed by an id of the first", func(f *facts) {
			f.devices[3].handed = nil
			f.devices[4].pushes, f.devices[5].pushes = nil, nil
		}, func(v verdict) int { return v.Lost }, 3, "A of other"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := sound()
			tt.spoil(&f)
			v := judge(f)
			if v.holds() {
				t.Error("the run is said to hold")
			}
			if got := tt.want(v); got != tt.count {
				t.Errorf("counted %d, want %d; faults %q", got, tt.count, v.Faults)
			}
			if all := strings.Join(v.Faults, "\n"); !strings.Contains(all, tt.fault) {
				t.Errorf("no fault says %q: %q", tt.fault, v.Faults)
			}
		})
	}
}

func TestCheckerExcusesWhatASnapshotCovers(t *testing.T) {
	f := sound()
	d := &f.devices[0]
	d.handed = append(d.handed[:1:1], d.handed[2:]...)
	d.snapshots = []arrival{{kind: "messages", version: 15, at: f.published[3].answered}}
	v := judge(f)
	if !v.holds() || v.Heard != 4 || v.Snapshots != 1 {
		t.Errorf("heard %d, snapshots %d, faults %q: want 4 and 1", v.Heard, v.Snapshots, v.Faults)
	}
}

// TestCheckerExcusesForgottenIDs has an id stored again: after all NATS
// servers had started anew, with newer events than the log holds behind it.
func TestCheckerExcusesForgottenIDs(t *testing.T) {
	spoil := func() facts {
		f := sound()
		f.keep = 3 // two newer ones, and one without an answer
		f.repeats[0].version, f.repeats[0].duplicate = 20, false
		f.phases[1].forgets = true
		return f
	}
	if v := judge(spoil()); v.Forgotten != 1 || v.StoredTwice != 0 {
		t.Errorf("forgotten %d, stored twice %d, want 1 and 0", v.Forgotten, v.StoredTwice)
	}
	for name, change := range map[string]func(*facts){
		"without the servers' end":     func(f *facts) { f.phases[1].forgets = false },
		"while the log still had it":   func(f *facts) { f.keep = 4 },
		"published after the servers'": func(f *facts) { f.published[0].begun = f.phases[1].until.Add(1) },
	} {
		f := spoil()
		change(&f)
		if v := judge(f); v.StoredTwice != 1 || v.holds() {
			t.Errorf("%s: stored twice %d, want 1", name, v.StoredTwice)
		}
	}
}

func TestCheckerCountsRepeatsByPhase(t *testing.T) {
	f := sound()
	late := f.phases[1].from.Add(time.Second)
	d := &f.devices[1]
	d.pushes = append(d.pushes, d.pushes[2], d.pushes[2])
	d.pushes[4].at = late
	c := &f.devices[0]
	c.handed = append(c.handed, c.handed[4])
	c.pushes = []arrival{{kind: "messages", version: 12, at: late}}
	v := judge(f)
	if v.PushedTwice != 2 || v.Rows[0].Twice != 2 || v.Rows[1].Twice != 1 {
		t.Errorf("pushed twice %d, by phase %+v: want 2; a push and an item in the first, a push in the second", v.PushedTwice, v.Rows)
	}
	if v.HandedTwice != 1 || v.Needless != 1 || !v.holds() {
		t.Errorf("handed twice %d, needless %d, faults %q: want 1 and 1, which is no fault", v.HandedTwice, v.Needless, v.Faults)
	}
}

// TestCheckerFindsRandomLosses plants what every run plants.
func TestCheckerFindsRandomLosses(t *testing.T) {
	for seed := range uint64(50) {
		planted, found := losses(sound(), rand.New(rand.NewPCG(seed, 3)))
		if planted != 6 || found != 6 {
			t.Errorf("seed %d: %d of %d planted losses found, want 6 of 6: each part of devices at each tenant", seed, found, planted)
		}
	}
	if v := judge(sound()); v.Lost != 0 {
		t.Errorf("planting spoils the facts themselves: %q", v.Faults)
	}
}
