package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// A report is what a run found.
type report struct {
	verdict
	Options    options
	Seed       uint64
	Kills      int
	ByDoor     map[string]int
	Retried    int
	Repeats    int
	Unanswered int
	// Published is how long it was published for, Settled how long it was
	// waited then, until nothing was missing or time was up.
	Published, Settled time.Duration
	// Troubles are what fails a run though nothing is lost.
	Troubles []string
	// Logs is where the processes' logs are; empty: removed.
	Logs string
}

func (r *run) report(kills int) report {
	f := r.facts()
	rep := report{verdict: judge(f), Options: r.opts, Seed: r.seed, Kills: kills, Repeats: len(f.repeats), Troubles: r.book.allTroubles()}
	p := r.publisher
	p.note(func() { rep.ByDoor, rep.Retried, rep.Unanswered = p.byDoor, p.retried, p.unanswered })
	return rep
}

// holds reports whether the run proves what it is there for: nothing was lost
// nor backwards, and there was something to lose.
func (r *report) holds() bool {
	return r.verdict.holds() && len(r.Troubles) == 0 && r.Unanswered == 0 &&
		r.Kills == 2*r.Options.kills && r.Heard > r.Snapshots && r.Pushed > 0
}

// print writes the table.
func (r *report) print(w io.Writer) error {
	slices.SortFunc(r.HeardAfter, byTime)
	slices.SortFunc(r.PushedAfter, byTime)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row("events", "%d answered, %d unanswered; %s", r.Events, r.Unanswered, r.doors())
	row("attempts", "%d beyond the first; %d events sent again after their answer", r.Retried, r.Repeats)
	row("kills", "%d with signal 9 (fault %s, seed %d)", r.Kills, r.Options.fault, r.Seed)
	row("pairs", "%d, an event and a device of its user", r.Pairs)
	row("heard", "%d handed over, %d replaced by a snapshot", r.Heard, r.Snapshots)
	row("pushed", "%d", r.Pushed)
	row("lost", "%d", r.Lost)
	row("backwards", "%d", r.Backwards)
	row("stored twice", "%d", r.StoredTwice)
	row("strange", "%d", r.Strange)
	row("handed twice", "%d", r.HandedTwice)
	row("pushed twice", "%d, %s", r.PushedTwice, r.perKill())
	row("needless pushes", "%d, for what the application had before", r.Needless)
	row("heard after", "%s", quantiles(r.HeardAfter))
	row("pushed after", "%s", quantiles(r.PushedAfter))
	row("time", "%.0f s of publishing, then %.1f s of waiting for what was on its way", r.Published.Seconds(), r.Settled.Seconds())
	if err := t.Flush(); err != nil {
		return err
	}
	if err := r.printSlowest(w); err != nil {
		return err
	}
	for _, line := range slices.Concat(r.Faults, r.Troubles) {
		if _, err := fmt.Fprintln(w, "FAULT", line); err != nil {
			return err
		}
	}
	if r.Logs != "" {
		_, err := fmt.Fprintf(w, "the processes' logs are in %s\n", r.Logs)
		return err
	}
	return nil
}

func (r *report) doors() string {
	var parts []string
	for name, n := range r.ByDoor {
		parts = append(parts, fmt.Sprintf("%d by %s", n, name))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// perKill is how many pushes were repeated after each kill.
func (r *report) perKill() string {
	if len(r.RepeatsPerKill) == 0 {
		return "without a kill"
	}
	return fmt.Sprintf("%.1f a kill, %d at most", float64(r.PushedTwice)/float64(len(r.RepeatsPerKill)), slices.Max(r.RepeatsPerKill))
}

// quantiles are the nearest ranks of delays in order.
func quantiles(sorted []delay) string {
	if len(sorted) == 0 {
		return "-"
	}
	at := func(q float64) float64 {
		rank := max(int(q*float64(len(sorted))+0.999999)-1, 0)
		return sorted[rank].took.Seconds() * 1000
	}
	return fmt.Sprintf("p50 %.1f ms, p99 %.1f ms, at most %.1f ms", at(0.5), at(0.99), at(1))
}

func byTime(a, b delay) int { return cmp.Compare(a.took, b.took) }

// printSlowest names the last to be reached, where to begin to look.
func (r *report) printSlowest(w io.Writer) error {
	for _, all := range [][]delay{r.HeardAfter, r.PushedAfter} {
		for _, d := range slices.Backward(all[max(len(all)-r.Options.slowest, 0):]) {
			if _, err := fmt.Fprintln(w, "slow", d); err != nil {
				return err
			}
		}
	}
	return nil
}
