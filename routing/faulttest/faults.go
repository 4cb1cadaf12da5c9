package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/routing"
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

// A victim is whom a fault may strike, and what that may cost.
type victim struct {
	name, sort string
	// choose names the members.
	choose func(context.Context, *run) ([]string, error)
	// killed, stopped and held are the limits when it is killed, asked to
	// stop, and when it is frozen or cut off for a while.
	killed, stopped limits
	held            func(hold time.Duration) limits
}

// Limits as the design promises them; see the README for what is not promised.
const (
	takeOver = ackWait + 1500*time.Millisecond
	moveOver = reconnectSpread + 2*time.Second
	// beat is the longest interval that a phone in this run is given, and how
	// long it waits for the answer.
	beat = 40 * time.Second
	// election is how long the streams of a dead NATS server may stand still.
	election = 10 * time.Second
	// unnoticed is how long a NATS server that says nothing may be believed:
	// two pings of 5 s each go unanswered, and a third finds that out.
	unnoticed = 15 * time.Second
)

func victims() []victim {
	return []victim{
		{
			name: "edge", sort: sortEdge, choose: edgeWithDevices,
			killed:  limits{stall: moveOver, rest: none, quic: beat + moveOver},
			stopped: limits{lateIs: true, late: 10},
			held: func(hold time.Duration) limits {
				return limits{stall: hold + moveOver, rest: none, quic: hold + beat + moveOver}
			},
		},
		{
			name: "router", sort: sortRouter, choose: anyOf(sortRouter),
			killed:  limits{stall: takeOver, rest: none},
			stopped: limits{lateIs: true, late: 10, rest: none},
			held:    func(time.Duration) limits { return limits{stall: takeOver, rest: none} },
		},
		{
			name: "push", sort: sortPush, choose: anyOf(sortPush),
			killed: limits{stall: none, rest: none}, stopped: limits{lateIs: true, late: 10, rest: none},
			held: func(time.Duration) limits { return limits{stall: none, rest: none} },
		},
		{
			name: "leader", sort: sortNATS, choose: inboxLeader,
			killed: limits{publish: election, stall: election, rest: none},
			held:   func(time.Duration) limits { return limits{publish: unnoticed + election, stall: unnoticed + election} },
		},
		{
			name: "follower", sort: sortNATS, choose: inboxFollower,
			killed: limits{publish: election, stall: election, rest: none},
			held:   func(time.Duration) limits { return limits{publish: unnoticed + election, stall: unnoticed + election} },
		},
		{
			name: "nats", sort: sortNATS,
			choose: func(context.Context, *run) ([]string, error) { return membersOf(sortNATS), nil },
		},
	}
}

func anyOf(sort string) func(context.Context, *run) ([]string, error) {
	return func(_ context.Context, r *run) ([]string, error) {
		names := membersOf(sort)
		return []string{names[r.choices.IntN(len(names))]}, nil
	}
}

// edgeWithDevices is any edge that is not all but empty: where one ended before,
// its devices may have stayed at the other one.
func edgeWithDevices(_ context.Context, r *run) ([]string, error) {
	names := membersOf(sortEdge)
	chosen := names[r.choices.IntN(len(names))]
	if allBut := len(r.book.devices) / 20; r.book.at(chosen) < allBut {
		chosen = slices.MaxFunc(names, func(a, b string) int { return r.book.at(a) - r.book.at(b) })
	}
	return []string{chosen}, nil
}

// inboxLeader waits for one: an election may still be under way.
func inboxLeader(ctx context.Context, r *run) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		name, err := r.fleet.leader(ctx, routing.StreamInbox)
		if err == nil || !sleep.For(ctx, 100*time.Millisecond) {
			return []string{name}, err
		}
	}
}

func inboxFollower(ctx context.Context, r *run) ([]string, error) {
	leader, err := inboxLeader(ctx, r)
	if err != nil {
		return nil, err
	}
	names := slices.DeleteFunc(membersOf(sortNATS), func(n string) bool { return n == leader[0] })
	return []string{names[r.choices.IntN(len(names))]}, nil
}

// hold is how long it is frozen or cut off.
func (v victim) hold(o options) time.Duration {
	if v.sort == sortNATS {
		return max(o.hold, leastNATSHold)
	}
	return o.hold
}

// begin chooses the victims and dates the fault.
func (v victim) begin(ctx context.Context, r *run, p *phase, l limits) (err error) {
	if p.victims, err = v.choose(ctx, r); err != nil {
		return err
	}
	if v.sort == sortEdge {
		p.edge = p.victims[0]
	}
	p.limits, p.from = l, time.Now()
	r.say("%-14s %s", p.fault, strings.Join(p.victims, ", "))
	return nil
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

// fillLeader leaves no room on the disk of the leader of INBOX.
func fillLeader(ctx context.Context, r *run, p *phase) error {
	leader, err := inboxLeader(ctx, r)
	if err != nil {
		return err
	}
	p.limits = limits{publish: 2 * election, stall: 2 * election}
	return fill(ctx, r, p, leader)
}

func fillAll(ctx context.Context, r *run, p *phase) error {
	return fill(ctx, r, p, membersOf(sortNATS))
}

// fill leaves no room on the disks of servers for a while, then has their
// operator make room and start them again, which a NATS server whose disk was
// full asks for: it switches JetStream off by itself.
func fill(ctx context.Context, r *run, p *phase, servers []string) error {
	p.victims, p.forgets, p.from = servers, len(servers) == len(membersOf(sortNATS)), time.Now()
	r.say("%-14s %s", p.fault, strings.Join(p.victims, ", "))
	var errs []error
	for _, name := range servers {
		errs = append(errs, r.fleet.place.fill(name))
	}
	sleep.For(ctx, r.opts.hold)
	for _, name := range servers {
		errs = append(errs, r.fleet.place.free(name), r.restart(name))
	}
	p.until = time.Now().Add(election)
	return errors.Join(errs...)
}

// restart asks a member to end; its keeper starts it again.
func (r *run) restart(name string) error {
	member, err := r.fleet.take(name, true)
	if err != nil {
		return err
	}
	return member.Stop()
}

// shiftClock sets an edge's clock forward by an hour and back again.
func shiftClock(ctx context.Context, r *run, p *phase) error {
	name := membersOf(sortEdge)[r.choices.IntN(len(membersOf(sortEdge)))]
	p.victims, p.edge, p.limits, p.from = []string{name}, name, limits{stall: moveOver, rest: none, quic: moveOver}, time.Now()
	r.say("%-14s %s", p.fault, name)
	err := r.fleet.setClock(name, time.Hour)
	sleep.For(ctx, r.opts.hold)
	p.until = time.Now().Add(soon)
	return errors.Join(err, r.fleet.setClock(name, 0))
}

// setClock shifts what an edge takes for the wall clock. Renaming makes sure
// that it never reads half a file.
func (f *fleet) setClock(name string, by time.Duration) error {
	file := f.clockFile(name)
	if err := os.WriteFile(file+".new", []byte(by.String()), 0o600); err != nil {
		return fmt.Errorf("set the clock of %s: %w", name, err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		return fmt.Errorf("set the clock of %s: %w", name, err)
	}
	return nil
}

func (f *fleet) clockFile(name string) string { return f.env.Path(name + ".clock") }
