package main

import (
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
