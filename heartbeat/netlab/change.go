package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// change: NATs that begin to forget after another time in the middle of a run,
// from the first timeout to the second and back. The silences have to follow
// each time.
func runChange(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parseOptions("change", args, stderr)
	if err != nil {
		return err
	}
	if len(o.timeouts) != 2 {
		return fmt.Errorf("%w: change takes two timeouts", errUsage)
	}
	steps := o.timeouts
	o.timeouts = steps[:1]
	r, err := newRun(ctx, o, stderr)
	if err != nil {
		return err
	}
	var rows []followed
	for _, to := range append(steps, steps[0]) {
		if err = r.changeAll(to); err != nil {
			break
		}
		now, all := r.follow(ctx, to)
		rows = append(rows, now...)
		if !all {
			err = fmt.Errorf("not all intervals followed to %v within %v", to, o.learn)
			break
		}
	}
	fault := r.still.judge(errors.Join(err, r.troubles()))
	return errors.Join(fault, printFollowed(stdout, o, rows), r.Close())
}

// followed is how long silences took to fit a NAT's new timeout.
type followed struct {
	sort sortOfNAT
	to   time.Duration
	took time.Duration
	// At the end, as shares of the timeout: the silence of the phone in the
	// middle, and the interval that it was handed.
	share, handed float64
	fits          bool
}

func (r *run) changeAll(to time.Duration) error {
	var errs []error
	for _, c := range r.scenes {
		errs = append(errs, c.change(to))
	}
	r.say("the NATs forget after %v from now on", to)
	return errors.Join(errs...)
}

// follow waits until the silences fit.
func (r *run) follow(ctx context.Context, to time.Duration) (rows []followed, all bool) {
	began := time.Now()
	all = r.allSettled(ctx, r.opts.learn)
	for _, c := range r.scenes {
		f := followed{sort: c.sort, to: to, share: c.share(), handed: float64(c.book.median()) / float64(to)}
		if since := c.settled(); !since.IsZero() {
			f.fits, f.took = true, since.Sub(began)
		}
		rows = append(rows, f)
	}
	return rows, all
}

func printFollowed(out io.Writer, o options, rows []followed) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "NAT\tforgets after\tfollowed after\tin heartbeats' time\tsilence / timeout\tinterval / timeout\n")
	for _, f := range rows {
		took, scaled := "not", "-"
		if f.fits {
			took, scaled = fmt.Sprintf("%.1f s", f.took.Seconds()), (f.took * time.Duration(o.scale)).Round(time.Second).String()
		}
		fmt.Fprintf(t, "%v\t%v\t%s\t%s\t%.2f\t%.2f\n", f.sort, f.to, took, scaled, f.share, f.handed)
	}
	return t.Flush()
}
