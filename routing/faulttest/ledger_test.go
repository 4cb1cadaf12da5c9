package main

import (
	"maps"
	"math/rand/v2"
	"testing"
	"time"
)

// What was answered late does not show that the log takes events now.
func TestLedgerStores(t *testing.T) {
	l := newLedger(nil)
	now := time.Unix(1000, 0)
	l.answered(publication{begun: now.Add(time.Second), answered: now.Add(2 * time.Second)})
	l.answered(publication{begun: now.Add(-time.Second), answered: now.Add(3 * time.Second)})
	if l.stores(now.Add(time.Second)) || !l.stores(now) {
		t.Error("the ledger does not know when the last event that was stored began")
	}
}

// An edge that few devices are at is not the one that a fault strikes.
func TestEdgeWithDevices(t *testing.T) {
	for name, c := range map[string]struct {
		at   map[string]int
		want map[string]bool
	}{
		"both have devices":    {map[string]int{"edge-1": 3, "edge-2": 3}, map[string]bool{"edge-1": true, "edge-2": true}},
		"one is all but empty": {map[string]int{"edge-1": 1, "edge-2": 39}, map[string]bool{"edge-2": true}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLedger(newBooks(20))
			i := 0
			for edge, n := range c.at {
				for range n {
					l.devices[i].arrived(edge)
					i++
				}
			}
			chosen := map[string]bool{}
			for seed := range uint64(20) {
				r := &run{book: l, choices: rand.New(rand.NewPCG(seed, 2))}
				names, err := edgeWithDevices(t.Context(), r)
				if err != nil {
					t.Fatal(err)
				}
				chosen[names[0]] = true
			}
			if !maps.Equal(chosen, c.want) {
				t.Errorf("%v instead of %v", chosen, c.want)
			}
		})
	}
}
