package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
)

// density: connect all, notify each once, hold, measure.
func (r *run) density(ctx context.Context) error {
	if err := r.connect(ctx, 0, r.o.conns, false); err != nil {
		return err
	}
	if r.publishes() {
		r.watch.enter("notify")
		err := r.publish(ctx, PublishCall{To: r.o.conns, Start: time.Now().Add(lead), Rate: r.o.rate, Group: groupNotify}, r.o.conns)
		if err != nil {
			return err
		}
	}
	if err := r.hold(ctx, r.o.duration); err != nil {
		return err
	}
	return r.measure(ctx)
}

// notify: connect all, publish to users at random.
func (r *run) notify(ctx context.Context) error {
	if r.o.bare {
		return r.fanOutBeside(ctx)
	}
	if err := r.connect(ctx, 0, r.o.conns, false); err != nil {
		return err
	}
	if err := r.publishFor(ctx, groupNotify); err != nil {
		return err
	}
	return r.measure(ctx)
}

// publishFor publishes to the live users for --duration.
func (r *run) publishFor(ctx context.Context, group string) error {
	r.watch.enter(group)
	c := PublishCall{To: r.o.conns, Start: time.Now().Add(lead), Rate: r.o.rate, For: r.o.duration, Group: group}
	return r.publish(ctx, c, int(r.o.rate*r.o.duration.Seconds()))
}

// churn: devices vanish and come back while notifies go out.
func (r *run) churn(ctx context.Context) error {
	if r.o.bare {
		return r.connectBeside(ctx)
	}
	if err := r.connect(ctx, 0, r.o.conns, true); err != nil {
		return err
	}
	gone := beside(func() error {
		return r.crew.same(ctx, "Churn", ChurnCall{To: r.o.conns, Start: time.Now().Add(lead), Rate: r.o.rate, For: r.o.duration})
	})
	if err := errors.Join(r.publishFor(ctx, groupNotify), gone()); err != nil {
		return err
	}
	r.rep.caveat("a device that vanishes does so without a word; what was published while it was away counts as heard, not as a latency")
	if err := r.comeBack(ctx, r.o.conns); err != nil {
		return err
	}
	return r.measure(ctx)
}

// returnLimit bounds the wait for devices that are on their way back.
const returnLimit = 2 * time.Minute

// comeBack waits until so many devices are connected, and what they missed is
// heard. Whoever is not back by then shows in the report.
func (r *run) comeBack(ctx context.Context, wanted int) error {
	r.watch.enter("return")
	return r.n.during("coming back", wanted, func() int { return r.watch.stats().Held }, func() error {
		waiting, cancel := context.WithTimeout(ctx, returnLimit)
		defer cancel()
		_ = devmode.Until(waiting, func() error {
			if r.watch.stats().Held < wanted {
				return errNotHeard
			}
			return nil
		})
		return errors.Join(ctx.Err(), r.crew.settle(ctx, settleLimit))
	})
}

// measure ends a command.
func (r *run) measure(ctx context.Context) error {
	r.watch.enter("measure")
	s, err := r.crew.stats(ctx)
	if err != nil {
		return err
	}
	r.rep.Conns.Held = s.Held
	var steady []sample
	for _, p := range r.watch.all() {
		if p.phase == "hold" {
			steady = append(steady, p)
		}
	}
	if r.fleet != nil {
		r.rep.caveat("both ends are on this machine: kernel bytes are half of what sockets and their files grew by, and everything shares its cores")
		if r.rep.Memory, err = readParts(r.fleet, r.crew, r.meter.baseKernel); err != nil {
			return err
		}
	}
	return r.meter.measure(ctx, s.Held, steady)
}

// registerLimit bounds the time until the router knows the sessions.
const registerLimit = time.Minute

// registered waits until our router has so many sessions in its table.
func (r *run) registered(ctx context.Context, sessions int) error {
	ctx, cancel := context.WithTimeout(ctx, registerLimit)
	defer cancel()
	return devmode.Until(ctx, func() error {
		n, err := metricOf(ctx, "http://"+r.fleet.router.Admin, "hawser_router_sessions")
		if err == nil && int(n) < sessions {
			err = fmt.Errorf("the router knows %.0f of %d sessions", n, sessions)
		}
		return err
	})
}

// metricOf reads a metric without labels.
func metricOf(ctx context.Context, admin, name string) (float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, admin+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(io.LimitReader(res.Body, 16<<20))
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("%s has no metric %s", admin, name)
}
