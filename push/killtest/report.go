package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/hawser-edge/hawser/gateway/leak"
)

// What a run has to hold.
const (
	// busyKill is how many pushes a kill has to find under way, busyShare how
	// many of all kills of push workers have to find so many.
	busyKill  = 32
	busyShare = 0.8
	// twiceLimit is how many pushes may be made twice a kill, in the mean.
	twiceLimit = 10
)

// A report sums up the sets.
type report struct {
	verdict
	Options  options
	Events   int
	Pushes   int
	Strikes  []strike
	Troubles []string
	Missed   []string // of what was planted
	Leaks    []leak.Finding

	began time.Time
	took  time.Duration
}

// add adds a set.
func (r *report) add(f facts, choices *rand.Rand) {
	v := judge(f)
	r.Lost += v.Lost
	r.Backwards += v.Backwards
	r.ShownTwice += v.ShownTwice
	r.Replaced += v.Replaced
	r.Latest = max(r.Latest, v.Latest)
	for sort, n := range v.Twice {
		r.Twice[sort] += n
	}
	r.Faults = append(r.Faults, v.Faults...)
	r.Events += len(f.published)
	r.Pushes += len(f.arrivals)
	r.Strikes = append(r.Strikes, f.strikes...)
	r.Troubles = append(r.Troubles, f.troubles...)
	r.Leaks = append(r.Leaks, f.leaks...)
	r.Missed = append(append(r.Missed, f.overlooked...), planted(f, choices)...)
}

// of are the strikes of a sort.
func (r report) of(sort string) (some []strike) {
	for _, s := range r.Strikes {
		if s.sort == sort {
			some = append(some, s)
		}
	}
	return some
}

func busy(strikes []strike) (n int) {
	for _, s := range strikes {
		if s.under().All() >= busyKill {
			n++
		}
	}
	return n
}

func a(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

// unmet says what did not hold.
func (r report) unmet() (why []string) {
	note := func(wrong bool, format string, args ...any) {
		if wrong {
			why = append(why, fmt.Sprintf(format, args...))
		}
	}
	pushKills, natsKills := r.of(killPush), r.of(killNATS)
	note(len(pushKills) != r.Options.kills || len(natsKills) != r.Options.natsKills, "%d kills of push workers and %d of NATS are not %d and %d",
		len(pushKills), len(natsKills), r.Options.kills, r.Options.natsKills)
	note(r.Lost > 0, "%d pushes were lost", r.Lost)
	note(r.Backwards > 0, "%d pushes went backwards", r.Backwards)
	note(r.ShownTwice > 0, "%d notifications were shown twice", r.ShownTwice)
	note(a(r.twice(), len(r.Strikes)) > twiceLimit, "%.1f pushes were made twice a kill", a(r.twice(), len(r.Strikes)))
	note(a(busy(pushKills), len(pushKills)) < busyShare && len(pushKills) > 0, "%d of %d kills of push workers found %d pushes under way", busy(pushKills), len(pushKills), busyKill)
	note(len(r.Troubles) > 0, "something else went wrong, see above")
	note(len(r.Leaks) > 0, "%d secrets were told", len(r.Leaks))
	note(len(r.Missed) > 0, "the checker overlooks %v", r.Missed)
	return why
}

// print writes the tables.
func (r report) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "kills of\tcount\tfound >= %d under way\tunder way p50\tnot accepted, mean\taccepted, unanswered, mean\tnew events pushed after p50, max\tmade twice\ta kill\n", busyKill)
	for _, sort := range []string{killPush, killNATS} {
		s := r.of(sort)
		var undecided, unanswered int
		for _, k := range s {
			undecided += k.under().Undecided
			unanswered += k.under().Unanswered
		}
		under := sorted(s, func(k strike) int { return k.under().All() })
		back := sorted(s, func(k strike) time.Duration { return k.back })
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%.1f\t%.1f\t%.1f s, %.1f s\t%d\t%.2f\n", sort, len(s), busy(s), quantile(under, 0.5),
			a(undecided, len(s)), a(unanswered, len(s)), quantile(back, 0.5).Seconds(), quantile(back, 1).Seconds(), r.Twice[sort], a(r.Twice[sort], len(s)))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d events, %d pushes in %.0f s: lost %d, backwards %d, made twice %d (%.2f a kill; %d took the place of the same one on a screen), shown twice %d, secrets told %d; the latest push came %.1f s after its event\n",
		r.Events, r.Pushes, r.took.Seconds(), r.Lost, r.Backwards, r.twice(), a(r.twice(), len(r.Strikes)), r.Replaced, r.ShownTwice, len(r.Leaks), r.Latest.Seconds())
	for _, f := range slices.Concat(r.Faults, r.Troubles) {
		fmt.Fprintln(w, "FAULT", f)
	}
	for _, l := range r.Leaks {
		fmt.Fprintln(w, "FAULT a secret was told:", l)
	}
	return err
}

func sorted[T int | time.Duration](strikes []strike, of func(strike) T) (all []T) {
	for _, s := range strikes {
		all = append(all, of(s))
	}
	slices.Sort(all)
	return all
}

func quantile[T int | time.Duration](all []T, q float64) T {
	if len(all) == 0 {
		return 0
	}
	return all[int(q*float64(len(all)-1))]
}
