package clocks_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing/clocks"
)

// world is a process with a clock of its own, and its peers.
type world struct {
	begun time.Time
	e     *clocks.Estimator
	// own is by how much the own clock is ahead of true time.
	own time.Duration
	at  time.Duration
}

func newWorld(quorum int) *world {
	begun := time.Now()
	return &world{begun: begun, e: clocks.New(begun, quorum, 3)}
}

func (w *world) instant() time.Time { return w.begun.Add(w.at) }

// beat has each peer beat once a second for n seconds, by a clock that is
// ahead by so much; late is by how much the beats come late.
func (w *world) beat(n int, late time.Duration, ahead ...time.Duration) {
	for range n {
		w.at += time.Second
		for i, d := range ahead {
			w.e.Beat(fmt.Sprint("r", i), 1, w.instant().Add(d-late).UnixMilli(), true, w.instant())
		}
	}
}

func (w *world) read() clocks.Reading { return w.e.Read(w.instant().Add(w.own), w.instant()) }

func (w *world) want(t *testing.T, what string, want clocks.State) {
	t.Helper()
	if r := w.read(); r.State != want {
		t.Errorf("%s: state %d, ahead %v, want state %d", what, r.State, r.Ahead, want)
	}
}

func TestState(t *testing.T) {
	const hour = time.Hour
	for _, c := range []struct {
		name   string
		own    time.Duration
		quorum int
		peers  []time.Duration
		want   clocks.State
	}{
		{"nobody", hour, 1, nil, clocks.Unknown},
		{"one agrees", 0, 1, []time.Duration{100 * time.Millisecond}, clocks.Right},
		{"one contradicts and is believed", hour, 1, []time.Duration{0}, clocks.Wrong},
		{"one contradicts and is not enough", hour, 2, []time.Duration{0}, clocks.Unknown},
		{"one of two errs", 0, 1, []time.Duration{hour, 0}, clocks.Right},
		{"one of two errs the other way", 0, 1, []time.Duration{-hour, 0}, clocks.Right},
		{"both contradict", hour, 2, []time.Duration{0, 0}, clocks.Wrong},
		{"one of three errs", 0, 1, []time.Duration{0, hour, 0}, clocks.Right},
		{"two of three err, each in its way", 0, 1, []time.Duration{-hour, 0, hour}, clocks.Right},
		{"all three contradict", -time.Second, 1, []time.Duration{0, 10 * time.Millisecond, 0}, clocks.Wrong},
		{"just within", 490 * time.Millisecond, 1, []time.Duration{0, 0, 0}, clocks.Right},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(c.quorum)
			w.own = c.own
			w.beat(4, 0, c.peers...)
			w.want(t, "after four beats", c.want)
		})
	}
}

// A step of the own clock shows at once, is known also while nobody is heard,
// and leaves the peers' time as it is.
func TestStep(t *testing.T) {
	w := newWorld(1)
	w.beat(5, 0, 0, 0)
	w.own = time.Hour
	w.want(t, "stepped", clocks.Wrong)
	w.at += 5 * time.Minute
	w.want(t, "stepped, and alone", clocks.Wrong)
	if d := w.read().Now.Sub(w.instant()).Abs(); d > 5*time.Millisecond {
		t.Errorf("the peers' time is off by %v", d)
	}
	w.own = 0
	w.want(t, "set right", clocks.Right)
	w.at += time.Hour
	w.want(t, "alone for long", clocks.Unknown)
}

// Late beats, and peers that were stopped, say nothing against the own clock.
func TestLate(t *testing.T) {
	w := newWorld(1)
	w.beat(1, 3*time.Second, 0)
	w.want(t, "one late beat", clocks.Unknown)
	w.beat(1, 0, 0)
	w.want(t, "one in time", clocks.Right)
	w.beat(5, 2*time.Second, 0)
	w.want(t, "five late ones", clocks.Right)

	// A clock that is set back by NTP is followed within eight beats.
	w.own = -2 * time.Second
	w.beat(9, 0, -2*time.Second)
	w.want(t, "both set back", clocks.Right)
}

func TestRestart(t *testing.T) {
	w := newWorld(1)
	w.beat(5, 0, 0)
	w.own = time.Hour
	w.e.Beat("r0", 2, w.instant().Add(time.Hour).UnixMilli(), true, w.instant())
	w.want(t, "the router's new process agrees", clocks.Right)
	w.e.Forget("r0")
	w.want(t, "it left", clocks.Right)
}

func TestContradicts(t *testing.T) {
	w := newWorld(1)
	w.beat(4, 0, 0, -time.Hour)
	for range 4 { // no vote, but known to be wrong
		w.e.Beat("r3", 1, w.instant().Add(time.Hour).UnixMilli(), false, w.instant())
	}
	for name, want := range map[string]bool{"r0": false, "r1": true, "r2": false, "r3": true} {
		if got := w.e.Contradicts(name, w.instant(), w.instant()); got != want {
			t.Errorf("%s contradicts: %v, want %v", name, got, want)
		}
	}
}
