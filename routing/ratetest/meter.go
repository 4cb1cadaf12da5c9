package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// meter is the fleet with everything that measures it.
type meter struct {
	// Static after start.
	opts    options
	say     func(format string, args ...any)
	fleet   *fleet
	js      jetstream.JetStream
	conn    *nats.Conn
	ears    map[string]*ear
	hearers []*hearer
	// deaf ends the run where somebody hears no more.
	deaf func()

	events int
}

// execute runs the whole thing once. say receives a line about each stage.
func execute(ctx context.Context, o options, say func(format string, args ...any)) (report, error) {
	if err := o.check(); err != nil {
		return report{}, err
	}
	dir, err := os.MkdirTemp("", "hawser-rates-")
	if err != nil {
		return report{}, fmt.Errorf("make a folder for the run: %w", err)
	}
	m := &meter{opts: o, say: say, ears: map[string]*ear{wayHawser: newEar(o.users), wayRaw: newEar(o.users)}}
	rep, err := m.play(ctx, dir)
	err = errors.Join(err, m.stop())
	if err == nil && !o.keep {
		return rep, os.RemoveAll(dir)
	}
	say("the logs are in %s", dir)
	return rep, err
}

func (m *meter) play(ctx context.Context, dir string) (report, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m.deaf = cancel
	if err := m.start(ctx, dir); err != nil {
		return report{}, err
	}
	rep := newReport(m.opts)
	rate := m.opts.rate
	for _, way := range []string{wayRaw, wayHawser} {
		res, err := m.round(way, 0).run(ctx, m.opts.most)
		if err != nil {
			return rep, err
		}
		rep.addMost(way, res)
		m.say("%s: %.0f events/s at most, %d under way", way, res.perSecond(res.published), m.opts.users)
		if way == wayHawser && rate == 0 {
			rate = max(int(res.perSecond(res.published)/2), 1)
		}
	}
	rep.Rate = rate
	for n := range m.opts.rounds {
		var pair [2]result
		for i, way := range []string{wayRaw, wayHawser} {
			var err error
			if pair[i], err = m.round(way, rate).run(ctx, m.opts.round); err != nil {
				return rep, err
			}
		}
		rep.addRound(pair[0], pair[1])
		m.say("round %d of %d done", n+1, m.opts.rounds)
	}
	rep.finish()
	return rep, nil
}

func (m *meter) round(way string, rate int) *round {
	return &round{m: m, way: way, rate: rate, gaps: rand.New(rand.NewPCG(1, 1))}
}

// number returns a number for an event: ids must differ.
func (m *meter) number() int {
	m.events++
	return m.events
}

func (m *meter) start(ctx context.Context, dir string) error {
	limit, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	m.say("building hawser and the NATS server")
	p, err := buildPrograms(limit, dir)
	if err != nil {
		return err
	}
	m.fleet, err = startFleet(limit, dir, p, m.opts.replicas)
	if err != nil {
		return fmt.Errorf("%w: see the logs in %s", err, dir)
	}
	if m.conn, err = connect(limit, m.fleet.env.NATSURL, m.fleet.password); err != nil {
		return err
	}
	m.js, err = jetstream.New(m.conn, jetstream.WithPublishAsyncMaxPending(1<<16))
	if err != nil {
		return err
	}
	if err := m.startHearers(limit); err != nil {
		return err
	}
	m.say("ready: %d NATS servers, a router, an edge, %d devices", m.opts.replicas, m.opts.users)
	return nil
}

func (m *meter) startHearers(ctx context.Context) error {
	raw := hearing{Way: wayRaw, NATSURL: m.fleet.env.NATSURL, Password: m.fleet.password}
	if err := m.startHearer(ctx, raw); err != nil {
		return err
	}
	if m.opts.replicas > 1 {
		if err := leadHere(ctx, m.conn); err != nil {
			return err
		}
	}
	devices := hearing{Way: wayHawser, Edge: m.fleet.edge.Listen, Dir: m.fleet.env.Dir}
	for n := range m.opts.users {
		jwt, err := m.fleet.env.Token(tenant, userName(n), "phone")
		if err != nil {
			return err
		}
		devices.Tokens = append(devices.Tokens, jwt)
	}
	return m.startHearer(ctx, devices)
}

func (m *meter) startHearer(ctx context.Context, spec hearing) error {
	h, err := startHearer(ctx, spec, m.ears[spec.Way].hear, m.deaf)
	if err == nil {
		m.hearers = append(m.hearers, h)
	}
	return err
}

func (m *meter) stop() error {
	var errs []error
	for _, h := range m.hearers {
		errs = append(errs, h.stop())
	}
	if m.conn != nil {
		m.conn.Close()
	}
	if m.fleet != nil {
		errs = append(errs, m.fleet.stop())
	}
	return errors.Join(errs...)
}
