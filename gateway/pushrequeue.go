package main

import (
	"context"
	"fmt"
	"time"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/node"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// pushRequeueResult is what push requeue --json prints. It is added to and
// never changed.
type pushRequeueResult struct {
	Schema string `json:"schema"`
	// Requeued is how many pushes that were given up wait again, Released how
	// many that were held need not wait any more.
	Requeued int `json:"requeued"`
	Released int `json:"released"`
}

func pushRequeue(ctx context.Context, c *console, args []string) error {
	f := newPushFlags(c, "requeue", "--all|--id ID|--tenant T|--app A|--reason TEXT... [--held] [flags]",
		"Has pushes that were given up made after all, as news of now: those that all flags\n"+
			"fit. With --held those that wait for a time are let go instead. To do so twice does\n"+
			"it once: where a newer push waits, or was made, nothing is pushed twice.")
	var filter pushqueue.Filter
	f.filterFlags(&filter)
	id := f.String("id", "", "`ID` of the push, as list prints it")
	all := f.Bool("all", false, "all of them")
	held := f.Bool("held", false, "those that wait for a time, not those that were given up")
	if err := f.parse(args); err != nil {
		return err
	}
	switch chosen := filter != (pushqueue.Filter{}) || *id != ""; {
	case chosen && *all:
		return usagef("--all stands beside a flag that chooses: keep one")
	case !chosen && !*all:
		return usagef("say which: --id, --tenant, --user, --device, --kind, --app, --reason, or --all")
	case *held && *id != "":
		return usagef("what is held has no --id: choose by --tenant, --user, --device, --kind, --app or --reason")
	}
	return f.atDesk(ctx, func(ctx context.Context, _ *config.Config, desk *node.PushDesk) (err error) {
		r := pushRequeueResult{Schema: "hawser.push_requeue/1"}
		if *held {
			r.Released, err = release(ctx, desk, filter)
		} else {
			r.Requeued, err = requeue(ctx, desk, filter, *id)
		}
		if err != nil {
			return unreachablef("after %d requeued and %d released: %w", r.Requeued, r.Released, err)
		}
		if f.asJSON {
			return c.json(r)
		}
		c.printf("%d requeued, %d released\n", r.Requeued, r.Released)
		return nil
	})
}

// requeuePage is how many are read before they are put back.
const requeuePage = 1000

// requeue has what was given up made after all. It returns how many were.
func requeue(ctx context.Context, desk *node.PushDesk, filter pushqueue.Filter, id string) (n int, err error) {
	began := time.Now() // what is given up again meanwhile stays
	for {
		var some []pushqueue.Letter
		err := desk.Reader.Letters(ctx, filter, func(l pushqueue.Letter) bool {
			if (id == "" || l.ID() == id) && l.DeadAt.Before(began) {
				some = append(some, l)
			}
			return len(some) < requeuePage
		})
		if err != nil {
			return n, fmt.Errorf("read what was given up: %w", err)
		}
		for _, l := range some {
			if err := desk.Reader.Requeue(ctx, l); err != nil {
				return n, err
			}
			n++
		}
		if len(some) < requeuePage {
			return n, nil
		}
	}
}

// release lets go what is held. It returns how many were.
func release(ctx context.Context, desk *node.PushDesk, filter pushqueue.Filter) (n int, err error) {
	var some []pushqueue.WaitingJob
	err = desk.Reader.Waiting(ctx, filter, func(w pushqueue.WaitingJob) bool {
		if w.Hold != pushqueue.HoldNone {
			some = append(some, w)
		}
		return true
	})
	if err != nil {
		return 0, err
	}
	for _, w := range some {
		done, err := desk.Reader.Release(ctx, w)
		if err != nil {
			return n, err
		}
		if done {
			n++
		}
	}
	return n, nil
}
