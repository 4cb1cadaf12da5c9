package relay

import "testing"

func TestBudget(t *testing.T) {
	b := newBudget()
	for range maxRepeats {
		if !b.take() {
			t.Fatal("a repeat was refused before there were any")
		}
		b.answered(true)
	}
	if b.left < maxRepeats {
		t.Errorf("%v repeats are left although each was answered at once", b.left)
	}
	var sent, questions int
	for ; questions < 10*maxRepeats; questions++ {
		if b.take() {
			sent++
		}
		b.answered(false)
	}
	if most := maxRepeats + questions/10 + 1; sent > most || sent < maxRepeats {
		t.Errorf("%d of %d slow questions were repeated, want at most %d", sent, questions, most)
	}
	for range 100 * maxRepeats {
		b.answered(true)
	}
	if b.left > maxRepeats {
		t.Errorf("%v repeats may be sent at once", b.left)
	}
}
