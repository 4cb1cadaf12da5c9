package main

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// lines gives what is written to the test's log.
type lines struct{ t *testing.T }

func (l lines) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}

// TestKills is the short form of the run. How much a kill finds under way is up
// to the machine: what has to hold on each is that nothing is lost, and that
// what is lost is found. One worker calls jobs done before their pushes are
// made: what it has in hand when it is killed is lost.
func TestKills(t *testing.T) {
	if os.Getenv("HAWSER_FAULTS") != "1" {
		t.Skip("kills processes for a minute: set HAWSER_FAULTS=1 to have it, or go run ./push/killtest")
	}
	p := programsIn(t.TempDir())
	if err := p.build(t.Context(), "-tags=sabotage"); err != nil {
		t.Fatal(err)
	}
	play := func(name string, change func(*options), check func(*testing.T, report)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := short()
			change(&o)
			rep, err := playSets(t.Context(), o, p, t.TempDir(), lines{t})
			if err != nil {
				t.Fatal(err)
			}
			var text bytes.Buffer
			if err := rep.print(&text); err != nil {
				t.Fatal(err)
			}
			t.Log(text.String())
			check(t, rep)
		})
	}
	play("one worker", func(o *options) {}, held)
	play("two workers", func(o *options) { o.pushers = 2 }, held)
	play("an early acknowledgement", func(o *options) {
		o.sabotage, o.kills, o.natsKills, o.settle = "early-push", 2, 0, 15*time.Second
	}, func(t *testing.T, rep report) {
		if rep.Lost == 0 {
			t.Error("no push was lost, or the checker does not see it")
		}
	})
}

func held(t *testing.T, rep report) {
	if rep.Lost+rep.Backwards+rep.ShownTwice > 0 || len(rep.Troubles)+len(rep.Missed)+len(rep.Leaks) > 0 || len(rep.Strikes) != rep.Options.kills+rep.Options.natsKills {
		t.Errorf("it did not hold: %v", rep.unmet())
	}
}

// sound are facts of a run that held: an event each for two users, and a kill
// between them.
func sound() facts {
	at := time.Now()
	f := facts{strikes: []strike{{sort: killPush, at: at.Add(time.Second)}}}
	for i, u := range []string{"u1", "u2"} {
		p := publication{stream{u, messages}, int64(10 + i), at.Add(time.Duration(2*i) * time.Second)}
		f.published = append(f.published, p)
		for _, t := range p.targets() {
			f.arrivals = append(f.arrivals, arrival{target: t, version: p.version, at: p.at.Add(100 * time.Millisecond)})
		}
	}
	return f
}

func TestCheckerFindsWhatIsWrong(t *testing.T) {
	if v := judge(sound()); v.Lost+v.Backwards+v.twice()+v.ShownTwice > 0 {
		t.Fatalf("a sound run does not hold: %+v", v)
	}
	for name, c := range map[string]struct {
		spoil func(*facts)
		found func(verdict) bool
	}{
		"a push never came":         {func(f *facts) { f.arrivals = f.arrivals[1:] }, func(v verdict) bool { return v.Lost == 1 }},
		"it came to another one":    {func(f *facts) { f.arrivals[0].device = "tablet" }, func(v verdict) bool { return v.Lost == 1 }},
		"it came for another kind":  {func(f *facts) { f.arrivals[0].kind = contacts }, func(v verdict) bool { return v.Lost == 1 }},
		"an older one came":         {func(f *facts) { f.arrivals[0].version-- }, func(v verdict) bool { return v.Lost == 1 }},
		"it came twice":             {func(f *facts) { f.arrivals = append(f.arrivals, f.arrivals[3]) }, func(v verdict) bool { return v.Twice[killPush] == 1 }},
		"an older one came last":    {func(f *facts) { b := f.arrivals[0]; b.version--; f.arrivals = append(f.arrivals, b) }, func(v verdict) bool { return v.Backwards == 1 }},
		"a device shows it twice":   {func(f *facts) { f.shownTwice = []string{"u1"} }, func(v verdict) bool { return v.ShownTwice == 1 }},
		"a user sees it again":      {func(f *facts) { f.seen.Stacked = 1 }, func(v verdict) bool { return v.ShownTwice == 1 }},
		"a newer one came in place": {func(f *facts) { f.arrivals[0].version++ }, func(v verdict) bool { return v.Lost == 0 }},
	} {
		f := sound()
		f.arrivals = slices.Clone(f.arrivals)
		c.spoil(&f)
		if v := judge(f); !c.found(v) {
			t.Errorf("%s, and the checker finds %+v", name, v)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, o := range map[string]options{"full": full(), "short": short()} {
		if err := o.check(); err != nil {
			t.Errorf("the %s form is refused: %v", name, err)
		}
	}
	for _, args := range []string{
		"--kills -1", "--kills 0 --nats-kills 0", "--sets 0", "--pushers 3", "--users 1", "--flight 0", "--accept 0s", "--settle 0s", "--kill 5", "all",
	} {
		var stderr strings.Builder
		if code := command(t.Context(), strings.Fields(args), &stderr, &stderr); code != 2 {
			t.Errorf("%s: exit code %d, want 2", args, code)
		}
		if stderr.Len() == 0 {
			t.Errorf("%s: nothing is said", args)
		}
	}
}

func TestSetsShareTheKills(t *testing.T) {
	o := full()
	o.kills, o.natsKills, o.sets = 11, 1, 3
	var kills, natsKills int
	for set := range o.sets {
		kills, natsKills = kills+o.of(set).kills, natsKills+o.of(set).natsKills
	}
	if kills != o.kills || natsKills != o.natsKills {
		t.Errorf("the sets have %d and %d kills, want %d and %d", kills, natsKills, o.kills, o.natsKills)
	}
}

// short is the form for every change.
func short() options {
	o := full()
	o.kills, o.natsKills, o.sets, o.users = 6, 2, 1, 500
	return o
}
