package session

import (
	"testing"
	"time"
)

// A burst goes to the writers, and what comes after it does not.
func TestAlone(t *testing.T) {
	var a alone
	mine := 0
	for range 100 {
		if a.may(5 * aloneWindow) {
			mine++
		}
	}
	if mine != aloneShare {
		t.Errorf("%d of a burst, want %d", mine, aloneShare)
	}
	for i := range 100 {
		if !a.may(6*aloneWindow + time.Duration(i)*aloneWindow/aloneShare) {
			t.Errorf("the %d. of a steady rate is not written at once", i)
		}
	}
}
