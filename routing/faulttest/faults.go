package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/sleep"
)

// A fault is something that happens to a fleet.
type fault struct {
	name string
	// spaces is set where it needs namespaces.
	spaces bool
	// clocks is set where it needs edges whose clock can be set.
	clocks bool
	// strike does it, waits for as long as it lasts, and ends it. It fills in
	// the phase: victims, edge and limits at once, until at the end.
	strike func(context.Context, *run, *phase) error
}

// allFaults in the order in which a run goes through them. The calm is there
// to tell what the machine itself does.
func allFaults() []fault {
	faults := []fault{{name: "calm", strike: calmly}}
	for _, v := range victims() {
		faults = append(faults, fault{name: "kill-" + v.name, strike: v.killing})
	}
	for _, v := range victims() {
		if v.sort == sortEdge || v.sort == sortRouter || v.sort == sortPush {
			faults = append(faults, fault{name: "stop-" + v.name, strike: v.stopping})
		}
	}
	for _, v := range victims() {
		if v.name != "nats" {
			faults = append(faults, fault{name: "pause-" + v.name, strike: v.pausing})
		}
	}
	for _, v := range victims() {
		if v.name != "nats" {
			faults = append(faults, fault{name: "drop-" + v.name, spaces: true, strike: v.dropping})
		}
	}
	return append(faults,
		fault{name: "clock-edge", clocks: true, strike: shiftClock},
		fault{name: "full-leader", spaces: true, strike: fillLeader},
		fault{name: "full-nats", spaces: true, strike: fillAll},
	)
}

// parseFaults reads a list of names, or all.
func parseFaults(list string) ([]fault, error) {
	if list == "all" {
		return allFaults(), nil
	}
	var chosen []fault
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(allFaults(), func(f fault) bool { return f.name == name })
		if i < 0 {
			var names []string
			for _, f := range allFaults() {
				names = append(names, f.name)
			}
			return nil, fmt.Errorf("--fault %.40q must be all, or some of: %s", name, strings.Join(names, ", "))
		}
		chosen = append(chosen, allFaults()[i])
	}
	return chosen, nil
}

// calmly is what no fault does.
func calmly(ctx context.Context, r *run, p *phase) error {
	p.limits, p.from = limits{rest: none, publish: none}, time.Now()
	r.say("%-14s", p.fault)
	p.until = p.from
	sleep.For(ctx, 5*time.Second)
	return nil
}

// soon is until when an event may have been in the hands of a member that
// died: its connections are closed at once, and nothing more is handed to it.
const soon = 500 * time.Millisecond

// killing ends members with signal 9. They start again by themselves.
func (v victim) killing(ctx context.Context, r *run, p *phase) error {
	if err := v.begin(ctx, r, p, v.killed); err != nil {
		return err
	}
	var ended []*devmode.Process
	for _, name := range p.victims {
		member, err := r.fleet.take(name, true)
		if err != nil {
			return err
		}
		ended = append(ended, member)
	}
	for _, member := range ended {
		member.Kill()
	}
	p.until = time.Now().Add(soon)
	if v.sort == sortNATS {
		p.until = p.until.Add(election)
	}
	p.forgets = len(p.victims) == len(membersOf(sortNATS))
	p.died = v.sort == sortEdge
	return nil
}

// stopping asks members to end, as an operator does for a new release.
func (v victim) stopping(ctx context.Context, r *run, p *phase) error {
	if err := v.begin(ctx, r, p, v.stopped); err != nil {
		return err
	}
	for _, name := range p.victims {
		member, err := r.fleet.take(name, true)
		if err != nil {
			return err
		}
		if err := member.Stop(); err != nil {
			return err
		}
	}
	p.until, p.died = time.Now(), v.sort == sortEdge
	return nil
}

// pausing freezes members: they hold their connections and answer nothing.
func (v victim) pausing(ctx context.Context, r *run, p *phase) error {
	if err := v.begin(ctx, r, p, v.held(v.hold(r.opts))); err != nil {
		return err
	}
	var frozen []*devmode.Process
	var errs []error
	for _, name := range p.victims {
		member, err := r.fleet.take(name, false)
		if err == nil {
			_, err = member.Freeze()
			frozen = append(frozen, member)
		}
		errs = append(errs, err)
	}
	sleep.For(ctx, v.hold(r.opts))
	for _, member := range frozen {
		errs = append(errs, member.Thaw())
	}
	p.until = time.Now().Add(soon)
	return errors.Join(errs...)
}

// dropping has all packets between the victims and NATS vanish.
func (v victim) dropping(ctx context.Context, r *run, p *phase) error {
	if err := v.begin(ctx, r, p, v.held(v.hold(r.opts))); err != nil {
		return err
	}
	each := func(do func(a, b string) error) error {
		var errs []error
		for _, name := range p.victims {
			for _, server := range membersOf(sortNATS) {
				if server != name {
					errs = append(errs, do(name, server))
				}
			}
		}
		return errors.Join(errs...)
	}
	err := each(r.fleet.place.cut)
	sleep.For(ctx, v.hold(r.opts))
	p.until = time.Now().Add(soon)
	return errors.Join(err, each(r.fleet.place.join))
}
