package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
)

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
