package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
)

// meter is the fleet with everything that measures it.
type meter struct {
	// Static after start.
	opts    options
	say     func(format string, args ...any)
	fleet   *fleet
	js      jetstream.JetStream
	conn    *nats.Conn
	door    *door
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
	m := &meter{opts: o, say: say, ears: map[string]*ear{}}
	for _, way := range []string{wayHawser, wayRaw, wayBeside} {
		m.ears[way] = newEar(o.users)
	}
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
		res, err := m.round(rateMost, way).run(ctx, m.opts.most)
		if err != nil {
			return rep, err
		}
		rep.addMost(way, res[0])
		m.say("%s: %.0f events/s at most, %d under way", way, res[0].perSecond(res[0].published), m.opts.users)
		if way == wayHawser && rate == 0 {
			rate = max(int(res[0].perSecond(res[0].published)/2), 1)
		}
	}
	rep.Rate = rate
	for n := range m.opts.rounds {
		r, err := m.compare(ctx, rate)
		if err != nil {
			return rep, err
		}
		rep.addRound(r)
		m.say("round %d of %d done", n+1, m.opts.rounds)
	}
	rep.finish()
	return rep, nil
}

// compare is a round of each way, and one of both at once.
func (m *meter) compare(ctx context.Context, rate int) (c compared, err error) {
	raw, err := m.round(rate, wayRaw).run(ctx, m.opts.round)
	if err != nil {
		return c, err
	}
	hawser, err := m.round(rate, wayHawser).run(ctx, m.opts.round)
	if err != nil {
		return c, err
	}
	c.raw, c.hawser = raw[0], hawser[0]
	err = m.beside(ctx, func() error {
		both, err := m.round(rate, wayHawser, wayBeside).run(ctx, m.opts.round)
		if err == nil {
			c.sameHawser, c.sameRaw = both[0], both[1]
		}
		return err
	})
	return c, err
}

// beside calls do while a process consumes the log beside the router.
func (m *meter) beside(ctx context.Context, do func() error) (err error) {
	if err := makeBeside(ctx, m.js); err != nil {
		return fmt.Errorf("make a consumer beside the routers': %w", err)
	}
	defer func() { err = errors.Join(err, removeBeside(ctx, m.js)) }()
	if m.opts.replicas > 1 {
		if err := leadConsumer(ctx, m.conn, m.js, routing.StreamInbox, besideConsumer); err != nil {
			return err
		}
	}
	if err := m.startHearer(ctx, m.hearing(wayBeside)); err != nil {
		return err
	}
	err = do()
	h := m.hearers[len(m.hearers)-1]
	m.hearers = m.hearers[:len(m.hearers)-1]
	return errors.Join(err, h.stop())
}

// rateMost publishes as many events as arrive.
const rateMost = 0

// round is one of events on a way, and of who hears them beside.
func (m *meter) round(rate int, way string, beside ...string) *round {
	return &round{m: m, way: way, heard: append([]string{way}, beside...), rate: rate, gaps: rand.New(rand.NewPCG(1, 1))}
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
	u, err := m.fleet.env.User(routing.RoleBackend, tenant)
	if err != nil {
		return err
	}
	if m.door, err = openDoor(m.fleet.env.NATSURL, u); err != nil {
		return err
	}
	if err := m.startHearers(limit); err != nil {
		return err
	}
	m.say("ready: %d NATS servers, a router, an edge, %d devices", m.opts.replicas, m.opts.users)
	return nil
}

func (m *meter) startHearers(ctx context.Context) error {
	if err := makeTwin(ctx, m.js); err != nil {
		return fmt.Errorf("make the stream to compare with: %w", err)
	}
	if m.opts.replicas > 1 {
		if err := leadStreams(ctx, m.conn, m.js); err != nil {
			return err
		}
	}
	if err := m.startHearer(ctx, m.hearing(wayRaw)); err != nil {
		return err
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

// hearing is what a consumer's process is told.
func (m *meter) hearing(way string) hearing {
	return hearing{Way: way, NATSURL: m.fleet.env.NATSURL, Password: m.fleet.password}
}

func (m *meter) startHearer(ctx context.Context, spec hearing) error {
	ended := m.deaf
	if spec.Way == wayBeside {
		ended = func() {} // its round is over, or misses arrivals
	}
	h, err := startHearer(ctx, spec, m.ears[spec.Way].hear, ended)
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
	if m.door != nil {
		m.door.close()
	}
	if m.fleet != nil {
		errs = append(errs, m.fleet.stop())
	}
	return errors.Join(errs...)
}
