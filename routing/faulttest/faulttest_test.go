package main

import (
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func wanted(t *testing.T) {
	t.Helper()
	if os.Getenv("HAWSER_FAULTS") != "1" {
		t.Skip("runs a fleet of processes for minutes: set HAWSER_FAULTS=1 to have it, or go run ./routing/faulttest")
	}
}

// TestFaults is the whole form of the run. It takes two minutes, four cores
// and the go command, and is therefore asked for by name.
func TestFaults(t *testing.T) {
	wanted(t)
	rep, err := execute(t.Context(), full(), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	if err := rep.print(&table); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", table.String())
	if rep.Lost != 0 || rep.Backwards != 0 {
		t.Errorf("lost %d, backwards %d, want none", rep.Lost, rep.Backwards)
	}
	if !rep.holds() {
		t.Error("the run does not hold: see the table and its faults")
	}
}

// TestSabotageIsFound runs a fleet that was built with a planted fault, and
// kills nobody: what the checker says must come from the fault alone.
func TestSabotageIsFound(t *testing.T) {
	wanted(t)
	for fault, victims := range map[string][]part{
		"drop-batch": {connected},
		"drop-push":  {away, silent},
	} {
		t.Run(fault, func(t *testing.T) {
			t.Setenv("GOFLAGS", os.Getenv("GOFLAGS")+" -tags=sabotage")
			t.Setenv("HAWSER_SABOTAGE", fault)
			o := full()
			o.users, o.rate, o.kills, o.settle = 10, 40, 0, 6*time.Second
			rep, err := execute(t.Context(), o, t.Logf)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = os.RemoveAll(rep.Logs) }() // kept for people, not for tests
			if want := rep.Events * len(victims); rep.Lost != want || rep.holds() {
				t.Errorf("lost %d, want %d: each event for the devices %v", rep.Lost, want, victims)
			}
		})
	}
}

func TestPlanIsTheSeeds(t *testing.T) {
	draw := func(seed uint64) []string { return plan(faultKill, 20, rand.New(rand.NewPCG(seed, 2))) }
	if !slices.Equal(draw(7), draw(7)) {
		t.Error("one seed makes two plans")
	}
	if slices.Equal(draw(7), draw(8)) {
		t.Error("two seeds make one plan")
	}
	count := map[string]int{}
	for i, name := range draw(7) {
		count[name]++
		if isEdge := strings.HasPrefix(name, "edge-"); isEdge != (i%2 == 0) {
			t.Errorf("victim %d is %s: edges and routers must take turns", i, name)
		}
	}
	if count[edge1]+count[edge2] != 20 || count[router1]+count[router2] != 20 || len(count) != 4 {
		t.Errorf("victims %v: want 20 edges and 20 routers, each at times", count)
	}
}

func TestReportWantsSomethingToLose(t *testing.T) {
	good := func() report {
		return report{verdict: judge(sound()), Options: options{kills: 1}, Kills: 2}
	}
	if rep := good(); !rep.holds() {
		t.Fatalf("a sound run does not hold: %+v", rep)
	}
	for name, spoil := range map[string]func(*report){
		"nothing was heard":         func(r *report) { r.Heard = 0 },
		"nothing was pushed":        func(r *report) { r.Pushed = 0 },
		"one was not killed":        func(r *report) { r.Kills = 1 },
		"an event has no answer":    func(r *report) { r.Unanswered = 1 },
		"a process ended by itself": func(r *report) { r.Troubles = []string{"router-1 ended by itself"} },
		"an event is lost":          func(r *report) { r.Lost = 1 },
		"a version goes backwards":  func(r *report) { r.Backwards = 1 },
		"an id has two versions":    func(r *report) { r.StoredTwice = 1 },
		"an item is nobody's":       func(r *report) { r.Strange = 1 },
		"almost all were snapshots": func(r *report) { r.Heard, r.Snapshots = 1, 3 },
	} {
		rep := good()
		spoil(&rep)
		if rep.holds() {
			t.Errorf("%s, and the run is said to hold", name)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	o := full()
	if err := o.check(); err != nil {
		t.Errorf("the whole form is refused: %v", err)
	}
	for name, args := range map[string]string{
		"no users":                  "--users 0",
		"no rate":                   "--rate 0",
		"kills below 0":             "--kills -1",
		"faster than a restart":     "--kill-every 500ms",
		"ends before the kills":     "--duration 10s",
		"no time to settle":         "--settle 0s",
		"an unknown fault":          "--fault flood",
		"an unknown transport":      "--transport pigeon",
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
