package heartbeat

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// A million networks are claimed: the oldest are forgotten, and views of
// forgotten ones go on with their parent's knowledge.
func TestCellsAreBounded(t *testing.T) {
	l := NewLearner(t0, Options{MaxCells: 640})
	first := l.Open(t0, Arrival{Path: Path{Radio: WiFi, Network: Network{1}}})
	for i := range 20_000 {
		p := Path{Radio: WiFi, Network: Network{byte(i), byte(i >> 8), byte(i >> 16), 1, 15: 7}}
		v := l.Open(t0, Arrival{Path: p})
		l.Closed(t0, &v, EndOther, 0)
	}
	if st := l.Stats(); st.Cells > 640 || st.Evicted < 19_000 {
		t.Errorf("%d networks are remembered and %d were forgotten, want at most 640", st.Cells, st.Evicted)
	}
	if plan := l.Next(t0, &first, 0.5); plan.Interval < Min || plan.Interval > Max {
		t.Errorf("a view of a network that was forgotten gets %v", plan)
	}
}

// Whatever is told to the engine, its plans stay in their bounds.
func FuzzLearner(f *testing.F) {
	f.Add(uint64(1), []byte("a sequence of calls"))
	f.Fuzz(func(t *testing.T, seed uint64, calls []byte) {
		rng := rand.New(rand.NewPCG(seed, 1))
		length := func() time.Duration {
			switch rng.IntN(6) {
			case 0:
				return time.Duration(rng.Uint64())
			case 1:
				return -time.Second
			case 2:
				return math.MaxInt64
			}
			return time.Duration(rng.Int64N(int64(2000 * time.Second)))
		}
		path := func() Path {
			return Path{Transport(rng.Uint32()), Radio(rng.Uint32N(9)), Network{byte(rng.UintN(3))}}
		}
		l := NewLearner(t0, Options{MaxCells: 64, TimeScale: float64(rng.IntN(3)) * 10})
		floor, ceiling := l.duration(Min.Seconds()), l.duration(Max.Seconds())
		now := t0
		v := l.Open(now, Arrival{Path: path()})
		for _, call := range calls {
			now = now.Add(length())
			switch call % 10 {
			case 0:
				l.Move(now, &v, path())
			case 1:
				l.Shift(now, &v, State{rng.IntN(4) > 0, rng.IntN(9) == 0})
			case 2:
				l.Probed(now, &v, length())
			case 3:
				l.Notified(now, &v, length())
			case 4, 5:
				l.Heard(now, &v, length())
			case 6:
				l.Rebound(now, &v, length())
			case 7:
				l.Closed(now, &v, Ending(rng.IntN(4)), length())
				v = l.Open(now, Arrival{Path: path(), State: State{Background: true}, Last: Report{How(rng.IntN(4)), length(), length(), length()}})
			default:
				p := l.Next(now, &v, rng.Float64())
				if p.Interval < floor || p.Interval > ceiling || p.Probe < 0 || p.Probe >= p.Interval {
					t.Fatalf("the plan is %v", p)
				}
			}
		}
	})
}

// One device cannot make a network beat more, however often it claims deaths.
func TestCaps(t *testing.T) {
	p := Path{Radio: Cell4G, Network: Network{1}}
	l := NewLearner(t0, Options{})
	teachSafe(l, p, 200, 600*time.Second)
	for i := range 10 { // more than a household
		l.Open(t0, Arrival{Path: p, Peer: Peer{Device: uint64(i + 1)}})
	}
	before := l.Look(t0, p).Interval
	now := t0
	for range 500 {
		now = now.Add(2 * sameDeath * time.Second)
		l.Open(now, Arrival{Path: p, Peer: Peer{Device: 77}, Last: Report{How: HowReset, FirstMiss: 100 * time.Second, Reconnect: time.Second}})
	}
	if got := l.Look(now, p).Interval; got < before*9/10 {
		t.Errorf("the interval fell from %v to %v", before, got)
	}
	if st := l.Stats(); st.Capped < 490 {
		t.Errorf("%d of 500 claims were beyond the caps", st.Capped)
	}
}

// On 2G the edge hardly ever begins, and beats are rare.
func Test2G(t *testing.T) {
	l := NewLearner(t0, Options{})
	v := l.Open(t0, Arrival{Path: Path{Radio: Cell2G, Network: Network{1}}, State: State{Background: true}})
	probes, rng := 0, rand.New(rand.NewPCG(1, 1))
	for range 10_000 {
		p := l.Next(t0, &v, rng.Float64())
		if p.Interval < 140*time.Second {
			t.Fatalf("the interval is %v", p.Interval)
		}
		if p.Probe > 0 {
			probes++
		}
	}
	if probes > 60 {
		t.Errorf("%d probes in 10,000 intervals, want about one a day", probes)
	}
}

// A time scale changes nothing but the unit.
func TestTimeScale(t *testing.T) {
	p := Path{Radio: Cell4G, Network: NetworkOf(netip.MustParseAddr("192.0.2.1"), 0, Cell4G, nil)}
	slow, fast := NewLearner(t0, Options{}), NewLearner(t0, Options{TimeScale: 10})
	for i := range 50 {
		for _, l := range []*Learner{slow, fast} {
			unit := time.Duration(float64(time.Second) / l.scale)
			now := t0.Add(time.Duration(i) * 600 * unit)
			v := l.Open(now, Arrival{Path: p, State: State{Background: true}})
			l.Probed(now, &v, 500*unit)
			l.Heard(now, &v, unit)
		}
	}
	a, b := slow.Look(t0, p).Interval, 10*fast.Look(t0, p).Interval
	if d := a - b; d < -time.Millisecond || d > time.Millisecond {
		t.Errorf("the interval is %v, and at ten times the speed %v", a, b)
	}
}

// BenchmarkBeat is what the engine costs a beat: what is heard, and the next
// plan; answered: with all that is learned from probes that are answered.
func BenchmarkBeat(b *testing.B) {
	b.Run("unanswered", func(b *testing.B) { benchmarkBeat(b, 240*time.Second) })
	b.Run("answered", func(b *testing.B) { benchmarkBeat(b, 80*time.Millisecond) })
}

func benchmarkBeat(b *testing.B, heard time.Duration) {
	l := NewLearner(t0, Options{})
	const conns = 1 << 16
	views := make([]View, conns)
	for i := range views {
		n := Network{byte(i), byte(i >> 3 & 31), 1}
		views[i] = l.Open(t0, Arrival{Path: Path{Radio: Cell4G, Network: n}, State: State{Background: true}, Peer: Peer{Device: uint64(i) * 0x9e3779b97f4a7c15}})
	}
	rng := rand.New(rand.NewPCG(1, 1))
	now := t0
	i := 0
	beat := func() {
		v := &views[i*40503&(conns-1)]
		i++
		if i&1023 == 0 {
			now = now.Add(time.Second)
		}
		l.Heard(now, v, heard)
		if p := l.Next(now, v, rng.Float64()); p.Probe > 0 {
			l.Probed(now, v, p.Probe)
		}
	}
	for range 40 * conns { // until most is learned
		beat()
	}
	b.ReportAllocs()
	for b.Loop() {
		beat()
	}
}

// A clock that jumps, as far as a clock can, leaves plans in their bounds, and
// what comes after it is learned.
func TestClockThatJumps(t *testing.T) {
	const year = 365 * 24 * time.Hour
	jumps := []time.Duration{0, -100 * year, 100 * year, math.MinInt64, math.MaxInt64, year, -year, 0}
	l, p := NewLearner(t0, Options{}), Path{Radio: Cell4G, Network: Network{1}}
	v := l.Open(t0, Arrival{Path: p, Peer: Peer{Device: 7}, State: State{Background: true}})
	for i, jump := range jumps {
		now := t0.Add(jump)
		l.Probed(now, &v, 400*time.Second)
		l.Heard(now, &v, fallback*time.Second)
		delta, _ := l.Export(now, p)
		if err := l.Restore(now, p, delta); err != nil && len(delta) > 0 {
			t.Errorf("jump %d: %v", i, err)
		}
		if plan := l.Next(now, &v, 0.5); plan.Interval < Min || plan.Interval > Max || plan.Probe >= plan.Interval {
			t.Errorf("after a jump of %v the plan is %v", jump, plan)
		}
	}
	before := l.Look(t0, p).Interval
	teachSafe(l, p, 200, 1000*time.Second)
	if after := l.Look(t0, p).Interval; after < 900*time.Second {
		t.Errorf("the interval was %v, and is %v after 200 connections survived 1000 s", before, after)
	}
}
