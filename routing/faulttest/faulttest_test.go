package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/node/devmode/cmdline"
	"github.com/hawser-edge/hawser/gateway/node/devmode/netspace"
)

// TestMain is the program itself where the test has run it inside namespaces.
func TestMain(m *testing.M) {
	if netspace.Inside() {
		main() // does not return
	}
	os.Exit(m.Run())
}

// shortHere are the options of a short run in a folder of its own.
func shortHere(t *testing.T) options {
	t.Helper()
	if os.Getenv("HAWSER_FAULTS") != "1" {
		t.Skip("runs fleets of processes for minutes: set HAWSER_FAULTS=1 to have it, or go run ./routing/faulttest")
	}
	t.Parallel()
	o := short()
	o.dir = t.TempDir()
	return o
}

// sabotaged are such options for a fleet whose every member was built for
// faults that are switched on.
func sabotaged(t *testing.T, fault string) options {
	o := shortHere(t)
	o.sabotage, o.built = fault, true
	p := programsIn(o.dir, false)
	for path, build := range map[string][]string{p.hawser: {devmode.HawserPackage, "-tags=sabotage"}, p.nats: {devmode.NATSPackage}} {
		if err := devmode.Build(t.Context(), path, build[0], build[1:]...); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// lines gives what is written to the test's log.
type lines struct{ t *testing.T }

func (l lines) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}

// TestFaults is the short form of the run: all faults, three seeds side by
// side, a small load. It takes some six minutes on two cores.
func TestFaults(t *testing.T) {
	o := shortHere(t)
	if err := netspace.Possible(); err != nil {
		t.Skip(err)
	}
	var tables bytes.Buffer
	code, err := runSeeds(t.Context(), o, &tables, lines{t})
	t.Log(tables.String())
	if err != nil || code != 0 {
		t.Errorf("exit code %d, %v: see the tables", code, err)
	}
}

// TestKillsOnLoopback is the form for a laptop.
func TestKillsOnLoopback(t *testing.T) {
	o := shortHere(t)
	o.loopback, o.seeds = true, 1
	o.users, o.rate, o.hotRate, o.phones, o.fault = 20, 40, 40, 4, "kill-edge,kill-router"
	var tables bytes.Buffer
	code, err := runSeeds(t.Context(), o, &tables, lines{t})
	t.Log(tables.String())
	if err != nil || code != 0 {
		t.Errorf("exit code %d, %v: see the table", code, err)
	}
}

// TestSabotageIsFound runs fleets that were built with a planted fault, and
// nothing else happens to them: what the checker says must come from the fault
// alone, and name both tenants.
func TestSabotageIsFound(t *testing.T) {
	t.Parallel()
	for fault, victims := range map[string]part{"drop-batch": connected, "drop-push": away} {
		t.Run(fault, func(t *testing.T) {
			o := sabotaged(t, fault)
			o.loopback, o.seeds, o.phones = true, 1, 4
			o.users, o.rate, o.hotRate, o.settle, o.fault = 10, 40, 0, 6*time.Second, "calm"
			o.heal = time.Second // it does not
			var tables bytes.Buffer
			code, err := runSeeds(t.Context(), o, &tables, lines{t})
			if err != nil || code != 1 {
				t.Fatalf("exit code %d, %v: want 1\n%s", code, err, tables.String())
			}
			for _, tenant := range tenants() {
				lost := strings.Count(tables.String(), "FAULT lost: ")
				named := strings.Contains(tables.String(), "of "+tenant+": ") && strings.Contains(tables.String(), "the "+string(victims)+" device")
				if lost < plantedAtLeast || !named {
					t.Errorf("%d losses are named, want %d at least, and %s devices of %s among them:\n%s",
						lost, plantedAtLeast, victims, tenant, tables.String())
				}
			}
		})
	}
}

func TestReportWantsSomethingToLose(t *testing.T) {
	good := func() report {
		return report{
			verdict: judge(sound()), Options: options{fault: "calm,kill-edge"}, Phases: sound().phases, Planted: 6, Found: 6,
		}
	}
	if rep := good(); !rep.holds() {
		t.Fatalf("a sound run does not hold: %+v", rep)
	}
	for name, spoil := range map[string]func(*report){
		"nothing was heard":         func(r *report) { r.Heard = 0 },
		"nothing was pushed":        func(r *report) { r.Pushed = 0 },
		"a fault did not happen":    func(r *report) { r.Phases, r.Rows = r.Phases[:1], r.Rows[:1] },
		"an event has no answer":    func(r *report) { r.Unanswered = 1 },
		"a process ended by itself": func(r *report) { r.Troubles = []string{"router-1 ended by itself"} },
		"an event is lost":          func(r *report) { r.Lost = 1 },
		"a version goes backwards":  func(r *report) { r.Backwards = 1 },
		"an id has two versions":    func(r *report) { r.StoredTwice = 1 },
		"an item is nobody's":       func(r *report) { r.Strange = 1 },
		"a loss was overlooked":     func(r *report) { r.Found-- },
		"too little was planted":    func(r *report) { r.Planted, r.Found = 4, 4 },
		"a limit is exceeded": func(r *report) {
			r.Phases[1].limits.stall, r.Rows[1].Stall.took = time.Second, time.Minute
		},
	} {
		rep := good()
		spoil(&rep)
		if rep.holds() {
			t.Errorf("%s, and the run is said to hold", name)
		}
		rep.Options.lenient = true
		if rep.holds() != (name == "a limit is exceeded") {
			t.Errorf("%s: a lenient run forgives limits of time, and nothing else", name)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, o := range map[string]options{"full": full(), "short": short()} {
		if err := o.check(); err != nil {
			t.Errorf("the %s form is refused: %v", name, err)
		}
	}
	for name, args := range map[string]string{
		"no users":                  "--users 0",
		"no rate":                   "--rate 0",
		"a hold that is none":       "--hold 1ms",
		"no time to settle":         "--settle 0s",
		"no seeds":                  "--seeds 0",
		"nobody at a time":          "--side 0",
		"an unknown fault":          "--fault flood",
		"an unknown fault of two":   "--fault kill-edge,flood",
		"a cut on loopback":         "--loopback --fault drop-edge",
		"a full disk on loopback":   "--loopback --fault full-nats",
		"two ways to judge":         "--strict --lenient",
		"an unknown flag":           "--faults all",
		"something that is no flag": "all",
	} {
		var stderr strings.Builder
		if code := command(t.Context(), strings.Fields(args), &stderr, &stderr); code != 2 {
			t.Errorf("%s: exit code %d, want 2", name, code)
		}
		if stderr.Len() == 0 {
			t.Errorf("%s: nothing is said", name)
		}
	}
}

// TestOptionsReachTheRunInside goes through the flags that a run inside
// namespaces is given.
func TestOptionsReachTheRunInside(t *testing.T) {
	o := short()
	o.fault, o.strict, o.hold = "kill-nats", true, 7*time.Second
	var stderr strings.Builder
	got := full()
	if _, goOn := cmdline.Read(got.flags(), o.args(9, "/tmp/x"), &stderr, func() error { return nil }); !goOn {
		t.Fatal(stderr.String())
	}
	o.seed, o.dir, o.seeds, o.side = 9, "/tmp/x", 1, 1
	if got != o {
		t.Errorf("inside the options are %+v, want %+v", got, o)
	}
}

func TestPatternIsWhatItSays(t *testing.T) {
	count := map[part]int{}
	for _, b := range newBooks(2000) {
		count[b.part]++
		if b.part != connected && b.token == "" {
			t.Errorf("the %s device of %s has no push token", b.part, b.owner)
		}
	}
	if count[connected] != 3600 || count[silent] != 1200 || count[away] != 1200 {
		t.Errorf("of 6000 devices there are %v: want 3600 connected, 1200 silent, 1200 away", count)
	}
}

// short is the form for every change: all faults, three seeds side by side, on
// whatever machine there is. The load is what leaves two cores half idle while
// nothing is wrong: what they cannot do more than catch up with heals nothing.
func short() options {
	o := full()
	o.users, o.rate, o.hotRate, o.phones = 100, 50, 100, 20
	o.hold, o.seeds, o.side = 8*time.Second, 3, 3
	o.lenient, o.heal, o.settle = true, 150*time.Second, 200*time.Second
	return o
}
