package pushqueue

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing/linkpb"
)

// simulated is a worker in virtual time: it says its beats, hears what comes
// after a while, and sometimes stands still, is cut off or dies.
type simulated struct {
	*roster
	name    string
	began   time.Duration // by the clock of all
	still   time.Duration // stands still until then
	cut     time.Duration // is cut off until then
	deaf    string        // does not hear who has this name
	next    time.Duration // its next beat
	arrives []arriving    // in order
}

type arriving struct {
	at   time.Duration
	from string
	beat *linkpb.PushBeat
}

func (s *simulated) now(at time.Duration) time.Duration { return at - s.began }

type simulation struct {
	t       *testing.T
	rand    *rand.Rand
	at      time.Duration
	workers []*simulated
	jobs    []Job
}

func newSimulation(t *testing.T, seed uint64, workers int) *simulation {
	s := &simulation{t: t, rand: rand.New(rand.NewPCG(seed, 1))}
	for i := range workers {
		s.workers = append(s.workers, &simulated{name: fmt.Sprintf("push-%d", i+1)})
		s.start(s.workers[i])
	}
	for i := range 10 {
		s.jobs = append(s.jobs, Job{Tenant: "acme", User: fmt.Sprintf("u%d", i), Device: "d1", Kind: "messages"})
	}
	return s
}

func (s *simulation) start(w *simulated) {
	w.roster, w.began = newRoster(w.name, s.rand.Uint64()), s.at
	w.arrives, w.next = nil, s.at
}

const step = 20 * time.Millisecond

// run goes on for a while and finds two workers that both have a device.
func (s *simulation) run(d time.Duration) {
	s.t.Helper()
	for end := s.at + d; s.at < end; s.at += step {
		s.check() // one that comes back has read nothing yet
		for _, w := range s.workers {
			s.live(w)
		}
		s.check()
	}
}

func (s *simulation) check() {
	s.t.Helper()
	for _, j := range s.jobs {
		var mine []string
		for _, w := range s.workers {
			// One that is cut off sends nothing: Current does not get an answer.
			if s.at >= w.still && w.cut == 0 && w.mine(j, w.now(s.at)) {
				mine = append(mine, w.name)
			}
		}
		if len(mine) > 1 {
			s.t.Fatalf("at %v: %v have the device of %s", s.at, mine, j.User)
		}
	}
}

func (s *simulation) live(w *simulated) {
	if s.at < w.still {
		return
	}
	if s.at >= w.cut {
		if w.cut > 0 {
			w.missed(w.now(s.at))
			w.cut = 0
		}
		for len(w.arrives) > 0 && w.arrives[0].at <= s.at {
			a := w.arrives[0]
			w.arrives = w.arrives[1:]
			w.hear(a.from, a.beat, w.now(s.at))
		}
	}
	if s.at >= w.next {
		w.next = s.at + beatEvery
		w.sweep(w.now(s.at))
		s.say(w)
	}
}

// say has a beat reach everybody that is not cut off, in order.
func (s *simulation) say(w *simulated) {
	if s.at < w.cut {
		return
	}
	b := w.beat(w.now(s.at))
	for _, to := range s.workers {
		if s.at < to.cut || to.deaf == w.name {
			continue // core messages are lost
		}
		at := s.at + time.Duration(s.rand.Int64N(int64(100*time.Millisecond)))
		if n := len(to.arrives); n > 0 {
			at = max(at, to.arrives[n-1].at)
		}
		to.arrives = append(to.arrives, arriving{at, w.name, b})
	}
}

// owners counts the devices of each worker, and fails if one has none.
func (s *simulation) owners() map[string]int {
	s.t.Helper()
	count := map[string]int{}
	for _, j := range s.jobs {
		owner := ""
		for _, w := range s.workers {
			if w.mine(j, w.now(s.at)) && w.takesJobs(w.now(s.at)) {
				owner = w.name
			}
		}
		if owner == "" {
			s.t.Fatalf("at %v nobody has the device of %s", s.at, j.User)
		}
		count[owner]++
	}
	return count
}

// However workers stand still, are cut off and start anew: no device has two,
// and when all is well for a while each has one.
func TestNoDeviceHasTwoWorkers(t *testing.T) {
	for seed := range uint64(25) {
		s := newSimulation(t, seed, 2+int(seed%3))
		s.run(4 * time.Second)
		for range 12 {
			w := s.workers[s.rand.IntN(len(s.workers))]
			lasts := s.at + time.Duration(s.rand.Int64N(int64(15*time.Second)))
			switch s.rand.IntN(4) {
			case 0:
				w.still = lasts
			case 1:
				w.cut = lasts
			case 2:
				s.start(w)
			default:
				w.leave()
				s.say(w)
				s.run(time.Duration(s.rand.Int64N(int64(3 * time.Second))))
				s.start(w)
			}
			s.run(time.Duration(s.rand.Int64N(int64(8 * time.Second))))
		}
		s.run(25 * time.Second)
		s.owners()
	}
}

// A worker takes part within a second or two, and one that died is done without
// within six.
func TestTakeOverTakesSeconds(t *testing.T) {
	s := newSimulation(t, 1, 1)
	s.run(1500 * time.Millisecond)
	s.owners()

	s = newSimulation(t, 1, 2)
	s.run(3 * time.Second)
	if n := s.owners(); len(n) != 2 {
		t.Errorf("the devices are at %v", n)
	}
	s.workers[0].still = time.Hour
	s.run(silentAfter + holdFor + beatEvery + 200*time.Millisecond)
	if n := s.owners(); n["push-2"] != len(s.jobs) {
		t.Errorf("after the death of the other worker the devices are at %v", n)
	}
}

// A worker that stood still knows by its own clock that it may have lost its
// devices, before it reads what it was sent meanwhile.
func TestStandingStillLosesTheDevices(t *testing.T) {
	s := newSimulation(t, 1, 2)
	s.run(3 * time.Second)
	w := s.workers[0]
	if w.size(w.now(s.at)) != 2 {
		t.Fatalf("%d workers", w.size(w.now(s.at)))
	}
	later := w.now(s.at) + silentAfter
	for _, j := range s.jobs {
		if w.mine(j, later) {
			t.Error("a device is still its own")
		}
	}
	if w.takesJobs(later) || w.size(later) != 0 {
		t.Error("it takes part")
	}
}

// A worker whose connection was lost for a moment does not know of one that came
// meanwhile, and that knows nothing of it.
func TestConnectionLostWhileAnotherOneStarts(t *testing.T) {
	for seed := range uint64(20) {
		s := newSimulation(t, seed, 2)
		s.run(3 * time.Second)
		s.workers[0].cut = s.at + 2*time.Second
		s.start(s.workers[1])
		s.run(10 * time.Second)
		s.owners()
	}
}

// Two workers that do not hear one another, though a third one hears both: the
// devices are not left to nobody for as long as that lasts. So it is where only
// one of them does not hear the other.
func TestTwoThatDoNotHearEachOther(t *testing.T) {
	for seed := range uint64(60) {
		s := newSimulation(t, seed, 3)
		s.run(4 * time.Second)
		a, b := s.workers[seed%3], s.workers[(seed+1)%3]
		if ways := seed / 3 % 3; ways != 1 {
			a.deaf = b.name
			if ways != 2 {
				b.deaf = a.name
			}
		} else {
			b.deaf = a.name
		}
		s.run(silentAfter + 2*asideAfter + holdFor + 2*beatEvery + 200*time.Millisecond)
		s.owners()
		s.run(30 * time.Second)
		s.owners()
		a.deaf, b.deaf = "", ""
		s.run(silentAfter + 4*time.Second)
		if n := s.owners(); len(n) != 3 {
			t.Errorf("seed %d: once all hear one another the devices are at %v", seed, n)
		}
	}
}

// Whoever gets devices of a worker that left waits for the pushes that are on
// their way.
func TestNewDevicesWait(t *testing.T) {
	s := newSimulation(t, 1, 2)
	s.run(4 * time.Second)
	stays, leaves := s.workers[0], s.workers[1]
	if !stays.takesJobs(stays.now(s.at)) {
		t.Fatal("takes no jobs")
	}
	leaves.leave()
	stays.hear(leaves.name, leaves.beat(leaves.now(s.at)), stays.now(s.at))
	if now := stays.now(s.at); stays.takesJobs(now) || stays.takesJobs(now+holdFor-1) || !stays.takesJobs(now+holdFor) {
		t.Error("does not wait for as long as it should")
	}
}

// Two processes with one name would both have the devices.
func TestAStrangerWithTheSameName(t *testing.T) {
	r := newRoster("push-1", 1)
	if r.hear("push-1", &linkpb.PushBeat{Incarnation: 2, TakesPart: true}, 0) {
		t.Error("taken for one's own beat")
	}
	if r.size(0) != 0 {
		t.Error("it is taken for an echo")
	}
}

// Workers have about the same number of devices, and one that leaves moves no
// devices but its own.
func TestDevicesAreDividedEvenly(t *testing.T) {
	names := []string{"push-1", "push-2", "push-3"}
	best := func(j Job, names []string) string {
		r := newRoster(names[0], 1)
		r.began, r.part = true, true
		for _, n := range names[1:] {
			r.others[n] = other{countsOn: slices.DeleteFunc(slices.Clone(names), func(o string) bool { return o == n })}
		}
		return r.owner(j, 0)
	}
	count := map[string]int{}
	for i := range 9000 {
		j := Job{Tenant: "acme", User: fmt.Sprintf("user-%d", i), Device: "phone", Kind: "messages"}
		owner := best(j, names)
		count[owner]++
		if owner != "push-3" && best(j, names[:2]) != owner {
			t.Fatalf("without push-3 the device of %s moves away from %s", j.User, owner)
		}
		other := j
		other.Kind = "contacts"
		if best(other, names) != owner {
			t.Fatalf("two kinds of the device of %s are at two workers", j.User)
		}
	}
	for _, n := range names {
		if count[n] < 2700 || count[n] > 3300 {
			t.Errorf("%s has %d of 9000 devices", n, count[n])
		}
	}
}
