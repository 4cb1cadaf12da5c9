package natsim

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
)

// All is one larger world, and not the mean of ratios.
func TestPool(t *testing.T) {
	of := func(seed uint64, us, oracle, mars, dead float64) *Report {
		days := func(beats, avoidable float64) []Day {
			return []Day{{Beats: 2 * beats}, {Beats: beats, DeadS: 2 * avoidable, AvoidableS: avoidable, Notifies: 10, Late: 0.1}}
		}
		return &Report{Seed: seed, Results: []*Result{
			{Policy: Oracle, Days: days(oracle, 0)}, {Policy: Hawser, Days: days(us, dead)}, {Policy: Mars, Days: days(mars, 1000)},
		}}
	}
	p := &Pool{Schema: PoolSchema, World: "two", Scale: 1, Devices: 5, Seeds: []*Report{of(7, 110, 100, 200, 0), of(8, 330, 300, 400, 10), of(9, 110, 100, 400, 1500)}}
	p.All = standing(p.Seeds)
	var b strings.Builder
	if err := p.WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| 7 | 1.100 | 1.100 | 0.0000 % | 10.0000 % | 0.550 | 0.500 | none |\n",
		"| 8 | 1.100 | 1.100 | 0.0231 % | 10.0000 % | 0.825 | 0.750 | 1/100 |\n",
		"| 9 | 1.100 | 1.100 | 3.4722 % | 10.0000 % | 0.275 | 0.250 | 1.50 |\n",
		"| all | 1.100 | 1.100 | 1.1651 % | 10.0000 % | 0.550 | 0.500 | 0.50 |\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no row %q in\n%s", want, b.String())
		}
	}
}

// What is promised of the engine, on seeds that no commit before has seen. How
// many beats Mars needs goes by what few mobile networks happen to keep, and so
// does how long it is dead where nothing masks: in a hundred seeds of tcp one in
// five was over 0.65 of its beats by itself, and of tcp-unmasked one in eleven over
// a twentieth of its dead time. So it is compared over as many as leave it to
// chance in one run of a thousand.
func TestPromises(t *testing.T) {
	if os.Getenv("NATSIM_SEED") == "" {
		t.Skip("this takes three to four minutes of CPU: set NATSIM_SEED=N to run it")
	}
	const tcpBeats, quicBeats, coldBeats, tcpDead, quicDead, late = 1.12, 1.05, 1.25, 0.0005, 0.0012, 0.0005
	for _, tt := range []struct {
		world       string
		seeds       int
		scale       float64
		beats, dead float64
		mars        bool
		liars       string // the same world with some
	}{
		{"tcp", 16, 1, tcpBeats, tcpDead, true, "tcp-hostile"},
		{"tcp-unmasked", 8, 1, tcpBeats, tcpDead, true, ""},
		{"tcp", 1, 0.5, tcpBeats, tcpDead, false, ""},
		{"tcp", 3, 2, tcpBeats, tcpDead, true, ""},
		{"quic", 1, 1, quicBeats, quicDead, false, ""},
	} {
		t.Run(fmt.Sprintf("%s x%g", tt.world, tt.scale), func(t *testing.T) {
			p, err := ComparePool(load(t, tt.world), seeds(t)[0], tt.seeds, tt.scale)
			if err != nil {
				t.Fatal(err)
			}
			if a := p.All; a.BeatsToOracle > tt.beats || a.ColdBeatsToOracle > coldBeats || a.Dead > tt.dead || a.Late > late ||
				tt.mars && (a.BeatsToMars > 0.65 || a.AvoidableToMars > 1.0/20) {
				t.Errorf("seeds from %d: %+v", p.Seeds[0].Seed, a)
			}
			for _, r := range p.Seeds {
				if n := r.Find(Hawser).Engine.Alarms; n > maxAlarms {
					t.Errorf("seed %d: %d alarms", r.Seed, n)
				}
			}
			if tt.liars != "" {
				besideLiars(t, p, tt.liars)
			}
		})
	}
}

// maxAlarms is how many alarms a world may have in three days, in some eight
// hundred networks: without what keeps alarms rare, one draft of the engine had
// more than a hundred thousand.
const maxAlarms = 100

// besideLiars sees that one device in twenty that lies costs the others at most a
// tenth more beats, in four of the pool's seeds.
func besideLiars(t *testing.T, p *Pool, world string) {
	t.Helper()
	w, some := load(t, world), p.Seeds[:4]
	results, errs := make([]*Result, len(some)), make([]error, len(some))
	var wg sync.WaitGroup
	for i, r := range some {
		wg.Go(func() { results[i], errs[i] = Run(w, r.Seed, p.Scale, Hawser) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	var honest, beside float64
	for i, r := range some {
		honest, beside = honest+r.Find(Hawser).Last().Beats, beside+results[i].Last().Beats
		if n := results[i].Engine.Alarms; n > maxAlarms {
			t.Errorf("%s, seed %d: %d alarms", world, r.Seed, n)
		}
	}
	if beside > 1.10*honest {
		t.Errorf("seeds from %d: %.3f times the beats beside liars, want at most 1.10", some[0].Seed, beside/honest)
	}
}
