package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/routing"
)

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
