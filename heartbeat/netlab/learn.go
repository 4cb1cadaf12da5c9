package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
)

// learn: phones behind NATs of every sort, until the intervals fit; then, for
// an hour of the scale, nothing may be lost. With the edge's probes switched
// off, something must be.
func runLearn(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parseOptions("learn", args, stderr)
	if err != nil {
		return err
	}
	r, err := newRun(ctx, o, stderr)
	if err != nil {
		return err
	}
	rows, err := r.learn(ctx)
	if err == nil {
		err = errors.Join(printRows(stdout, o, rows), r.still.judge(errors.Join(verdict(o, rows), r.troubles())))
	}
	return errors.Join(err, r.Close())
}

// A row is what was seen of one scene.
type row struct {
	sort    sortOfNAT
	timeout time.Duration
	phones  int
	// While nothing might be lost, as shares of the timeout: quantiles of the
	// silences that the NAT saw, and the interval in the middle of those handed
	// out, which is longer where the edge probes before.
	low, middle, high float64
	handed            float64
	learned           time.Duration // the first moment of the settled silence; 0: it did not settle
	held              count
	before            count
	rebound           int
	absent            float64 // share of the time in which the NAT knew nothing of a phone
}

func (r *run) learn(ctx context.Context) ([]row, error) {
	if r.opts.probes {
		if !r.allSettled(ctx, r.opts.learn) {
			r.say("not all intervals fit their NATs")
		}
	} else {
		sleep.For(ctx, r.opts.learn)
	}
	since := map[*scene]time.Duration{}
	for _, c := range r.scenes {
		if at := c.settled(); !at.IsZero() {
			since[c] = at.Sub(r.began)
		}
	}
	r.say("from now on for %v nothing may be lost", r.opts.hold)
	r.enter(holding)
	held := time.Now()
	sleep.For(ctx, r.opts.hold)
	r.enter(over)
	r.until(ctx, lastWait, func() bool {
		return !r.any(func(c *scene) bool { return c.book.count(holding, r.opts.bound).lost > 0 })
	})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var rows []row
	for _, c := range r.scenes {
		rows = append(rows, r.row(c, since[c], held))
	}
	return rows, nil
}

// lastWait is how long the last notifies may take until they count as lost
// instead of late.
const lastWait = 30 * time.Second

func (r *run) row(c *scene, learned time.Duration, held time.Time) row {
	w := row{
		sort: c.sort, timeout: c.limit(), phones: len(c.users), learned: learned,
		held: c.book.count(holding, r.opts.bound), before: c.book.count(learning, r.opts.bound),
	}
	w.low, w.middle, w.high = c.quiet.shares(held, w.timeout)
	w.handed = c.book.handed(holding, w.timeout)
	w.rebound, w.absent = c.book.truth(holding)
	return w
}

// endsShare is to how many phones one connection may end that tests whether the
// NAT keeps more by now: over TCP that costs the connection.
const endsShare = 8

// faults says what is wrong with a row; empty: nothing.
func (w row) faults(probes bool) (all []string) {
	missed := w.held.late + w.held.lost
	if !probes {
		if missed == 0 {
			all = append(all, "nothing was lost without probes: this test would not notice")
		}
		return all
	}
	if w.held.sent == 0 {
		all = append(all, "nothing was published")
	}
	if missed > 0 {
		all = append(all, fmt.Sprintf("%d of %d notifies late or lost", missed, w.held.sent))
	}
	if w.middle < leastShare || w.middle > mostShare {
		all = append(all, fmt.Sprintf("the silence is %.2f of the timeout", w.middle))
	}
	if ends := w.quicEnds(); ends > 0 {
		all = append(all, fmt.Sprintf("%d connections over QUIC ended", ends))
	}
	if w.sort.tcp && w.held.ends > w.phones/endsShare {
		all = append(all, fmt.Sprintf("%d connections ended", w.held.ends))
	}
	return all
}

// quicEnds is how many connections over QUIC ended that should have survived,
// on random ports while learning, too: there, each death is a rebinding.
func (w row) quicEnds() (ends int) {
	switch {
	case w.sort.tcp:
		return 0
	case w.sort.kind.random:
		return w.held.ends + w.before.ends
	}
	return w.held.ends
}

func verdict(o options, rows []row) error {
	var errs []error
	for _, w := range rows {
		for _, f := range w.faults(o.probes) {
			errs = append(errs, fmt.Errorf("%v, %v: %s", w.sort, w.timeout, f))
		}
	}
	return errors.Join(errs...)
}

func printRows(out io.Writer, o options, rows []row) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "NAT\ttimeout\tsilence / timeout (p10, p50, p90)\tinterval\tsettled\tnotifies\tlate\tlost\tworst\tends\tlearning: late\tlost\tends\trebound\tforgotten\n")
	for _, w := range rows {
		settled := "never"
		if w.learned > 0 {
			settled = fmt.Sprintf("%.0f s", w.learned.Seconds())
		}
		fmt.Fprintf(t, "%v\t%v\t%.2f  %.2f  %.2f\t%.2f\t%s\t%d\t%d\t%d\t%d ms\t%d\t%d of %d\t%d\t%d\t%d\t%.1f %%\n",
			w.sort, w.timeout, w.low, w.middle, w.high, w.handed, settled,
			w.held.sent, w.held.late, w.held.lost, w.held.worst.Milliseconds(), w.held.ends,
			w.before.late, w.before.sent, w.before.lost, w.before.ends, w.rebound, 100*w.absent)
	}
	return t.Flush()
}
