package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// A report is what a run found.
type report struct {
	verdict
	Options    options
	Phases     []phase
	ByDoor     map[string]int
	Retried    int
	Repeats    int
	Unanswered int
	// Planted losses were hidden from the checker, Found are those that it
	// noticed.
	Planted, Found int
	// Published is how long it was published for, Settled how long it was
	// waited then, until nothing was missing or time was up.
	Published, Settled time.Duration
	// Traces say what NATS has of what was lost.
	Traces []string
	// Troubles are what fails a run though nothing is lost.
	Troubles []string
}

// plantedAtLeast is how many losses the checker must be shown to find.
const plantedAtLeast = 5

func (r *run) report() report {
	f := r.facts()
	rep := report{verdict: judge(f), Options: r.opts, Phases: f.phases, Repeats: len(f.repeats), Troubles: r.book.allTroubles()}
	rep.Planted, rep.Found = losses(f, rand.New(rand.NewPCG(r.opts.seed, 3)))
	p := r.publisher
	p.note(func() { rep.ByDoor, rep.Retried, rep.Unanswered = p.byDoor, p.retried, p.unanswered })
	return rep
}

// holds reports whether the run proves what it is there for: nothing was lost
// nor backwards, there was something to lose, every fault took place, and no
// limit was exceeded that the run is judged by.
func (r *report) holds() bool {
	return r.verdict.holds() && len(r.Troubles) == 0 && r.Unanswered == 0 && (r.Options.lenient || len(r.over()) == 0) &&
		r.Planted >= plantedAtLeast && r.Found == r.Planted && r.tookPlace() && r.Heard > 0 && r.Pushed > 0
}

func (r *report) tookPlace() bool {
	faults, err := r.Options.faults()
	return err == nil && len(faults) == len(r.Phases)
}

// over names the limits that were exceeded.
func (r *report) over() (names []string) {
	for i, p := range r.Phases {
		for _, name := range p.limits.over(r.Rows[i], r.Options.strict) {
			names = append(names, p.fault+": "+name)
		}
	}
	return names
}

// print writes the tables.
func (r *report) print(w io.Writer) error {
	fmt.Fprintf(w, "\nseed %d, %d users, %d + %d events a second, faults of %v\n\n",
		r.Options.seed, r.Options.users, r.Options.rate, r.Options.hotRate, r.Options.hold)
	if err := r.printFaults(w); err != nil {
		return err
	}
	if err := r.printBalance(w); err != nil {
		return err
	}
	var lines []string
	for _, line := range slices.Concat(r.Faults, r.Troubles) {
		lines = append(lines, "FAULT "+line)
	}
	for _, line := range r.Traces {
		lines = append(lines, "TRACE "+line)
	}
	for _, line := range r.over() {
		lines = append(lines, "OVER "+line)
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// printFaults has a line a fault. Times are in seconds.
func (r *report) printFaults(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "fault\tof\tevents\tpublish\tstall\trest\tquic\tlate\tpush\thealed\tlost\tbackwards\tduplicates\tlimits\tsays")
	for i, p := range r.Phases {
		row := r.Rows[i]
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%d\t%d\t%d\t%s\t%s\n",
			p.fault, strings.Join(p.victims, "+"), row.Events, seconds(row.Publish), seconds(row.Stall.took), seconds(row.Rest.took), seconds(row.Quic.took),
			row.Late, seconds(row.Push.took), seconds(p.healed), row.Lost, row.Backwards, row.Twice, p.limits, says(p, row))
	}
	return t.Flush()
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f", d.Seconds()) }

// says is the word at the end of a line: what the row is by the limits as
// they are.
func says(p phase, row row) string {
	if row.Lost > 0 || row.Backwards > 0 {
		return "BROKEN"
	}
	if over := p.limits.over(row, true); len(over) > 0 {
		return "over: " + strings.Join(over, ", ")
	}
	return "ok"
}

func (r *report) printBalance(w io.Writer) error {
	slices.Sort(r.HeardAfter)
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row("events", "%d answered, %d unanswered; %s", r.Events, r.Unanswered, r.doors())
	row("attempts", "%d beyond the first; %d events sent again after their answer", r.Retried, r.Repeats)
	row("pairs", "%d, an event and a device of its user", r.Pairs)
	row("heard", "%d handed over, %d replaced by a snapshot", r.Heard, r.Snapshots)
	row("pushed", "%d", r.Pushed)
	row("lost", "%d", r.Lost)
	row("backwards", "%d", r.Backwards)
	row("stored twice", "%d", r.StoredTwice)
	row("forgotten ids", "%d: all NATS servers started anew after the log had forgotten the event", r.Forgotten)
	row("strange", "%d", r.Strange)
	row("handed twice", "%d", r.HandedTwice)
	row("pushed twice", "%d", r.PushedTwice)
	row("needless pushes", "%d, for what the application had before", r.Needless)
	row("heard after", "%s", quantiles(r.HeardAfter))
	row("planted losses", "%d of %d found", r.Found, r.Planted)
	row("time", "%.0f s of publishing, then %.1f s of waiting for what was on its way", r.Published.Seconds(), r.Settled.Seconds())
	for i, p := range r.Phases {
		if stall := r.Rows[i].Stall; says(p, r.Rows[i]) != "ok" {
			row("slow in "+p.fault, "%s, rest %s", stall, r.Rows[i].Rest)
		}
	}
	return t.Flush()
}

// String says where to begin to look.
func (d delay) String() string {
	if d.device == "" {
		return "none"
	}
	return fmt.Sprintf("%.1f s: %s, %s version %d begun %s answered %s reached by version %d at %s%s",
		d.took.Seconds(), d.device, d.event.key, d.event.version, d.event.begun.Format(clock), d.event.answered.Format(clock),
		d.by.version, d.by.at.Format(clock), d.way())
}

func (r *report) doors() string {
	var parts []string
	for name, n := range r.ByDoor {
		parts = append(parts, fmt.Sprintf("%d by %s", n, name))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// quantiles are the nearest ranks of times in order.
func quantiles(sorted []time.Duration) string {
	if len(sorted) == 0 {
		return "-"
	}
	at := func(q float64) float64 {
		rank := max(int(q*float64(len(sorted))+0.999999)-1, 0)
		return sorted[rank].Seconds() * 1000
	}
	return fmt.Sprintf("p50 %.1f ms, p99 %.1f ms, at most %.1f ms", at(0.5), at(0.99), at(1))
}
