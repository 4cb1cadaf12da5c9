//go:build unix

package sendtest

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// scale says how long the test goes on.
type scale struct {
	rate    int           // jobs of ours, a second
	others  int           // new jobs of each of the others, a second
	lasts   time.Duration // a run
	warm    int           // runs of which nothing is said
	alone   int           // runs before and after the trouble
	beside  int           // runs in the trouble
	waiting int           // jobs of each of the others from before
}

// One application's service is a black hole, and another one's credentials were
// revoked. The third one's pushes all go, and take no longer than in a system
// where it is alone. As the service comes back nothing is lost.
func TestTroubleOfOthers(t *testing.T) {
	s := scale{rate: 200, others: 200, lasts: time.Second, warm: 1, alone: 1, beside: 2, waiting: 100}
	measured := os.Getenv("HAWSER_PUSH_COST") != ""
	if measured {
		// The trouble lasts for longer than those that wait stay away. What else
		// the machine does changes with time: so it is alone before and after.
		// Three times the jobs take longer where nobody is in trouble, too: few of
		// the others' are new, and many wait.
		s = scale{rate: 300, others: 50, lasts: 3 * time.Second, warm: 4, alone: 10, beside: 24, waiting: 10_000}
		if n, err := strconv.Atoi(os.Getenv("HAWSER_PUSH_OTHERS")); err == nil {
			s.others = n
		}
	}
	alone := aloneWays(t, s)
	beside := besideWays(t, s, measured)
	alone = append(alone, aloneWays(t, s)...)
	t.Logf("of %d and %d pushes at %d/s, alone and beside a black hole and revoked credentials, for which %d wait and %d/s come each:",
		len(alone), len(beside), s.rate, s.waiting, s.others)
	compare(t, alone, beside)
	a, b := alone.quantile(0.99, whole), beside.quantile(0.99, whole)
	if measured && float64(b) > 1.2*float64(a) {
		t.Errorf("the others' trouble makes p99 %.2f times as long, want 1.2 at the most", float64(b)/float64(a))
	}
}

func aloneWays(t *testing.T, s scale) (all ways) {
	t.Run("alone", func(t *testing.T) {
		f := newFleet(t)
		l := newLoad(f, s)
		all = f.measure(l, s.alone, "good")
	})
	return all
}

// besideWays also shows that the others' pushes go when they can.
func besideWays(t *testing.T, s scale, measured bool) (all ways) {
	t.Run("beside", func(t *testing.T) {
		f := newFleet(t)
		f.bad.freeze(true)
		l := newLoad(f, s)
		l.pile(s.waiting, "hole", "revoked")
		all = f.measure(l, s.beside, "good", "hole", "revoked")
		if s := f.bad.status(); s.FCM.Taken+s.APNs.Taken != 0 {
			t.Errorf("%d pushes of the others were taken", s.FCM.Taken+s.APNs.Taken)
		}
		f.bad.freeze(false)
		begin := time.Now()
		f.bad.awaitTaken(1, fcmOf)
		t.Logf("the first push %v after the black hole ended", time.Since(begin).Round(time.Millisecond))
		f.bad.awaitTaken(int64(l.given["hole"]), fcmOf)
		took := time.Since(begin)
		t.Logf("all %d that waited %v after it ended", l.given["hole"], took.Round(time.Millisecond))
		if measured && took > 12*time.Second {
			t.Errorf("what waited for a black hole took %v after its end, want 12s at the most", took)
		}
	})
	return all
}
