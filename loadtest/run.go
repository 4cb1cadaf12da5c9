package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
)

// errUnreachable says that what was to be tested is not there.
var errUnreachable = errors.New("nothing could be reached")

// run is one run of the program.
type run struct {
	// Static after start.
	o     options
	n     *narrator
	dir   string
	fleet *fleet // nil: the deployment is somebody else's
	crew  *crew
	watch *watch
	meter *meter
	rep   *report

	// Of a storm: when it began, and the edge's memory before.
	stormAt time.Time
	liveRSS int64
}

// execute does the whole run.
func execute(ctx context.Context, o options, n *narrator) (*report, error) {
	dir, err := os.MkdirTemp("", "hawser-loadtest-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the run: %w", err)
	}
	r := &run{o: o, n: n, dir: dir, rep: newReport(o)}
	err = r.play(ctx)
	err = errors.Join(err, r.stop())
	if err == nil && !o.keep {
		return r.rep, os.RemoveAll(dir)
	}
	n.say("the logs are in %s", dir)
	return r.rep, err
}

func (r *run) play(ctx context.Context) error {
	if err := r.start(ctx); err != nil {
		return err
	}
	watching, end := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { r.watch.run(watching) })
	if err := r.meter.kernelBase(); err != nil {
		r.rep.caveat("%v", err)
	}
	err := map[string]func(context.Context) error{density: r.density, notify: r.notify, churn: r.churn, storm: r.storm, peers: r.peers}[r.o.command](ctx)
	end()
	wg.Wait()
	if err != nil {
		return err
	}
	return r.gather(ctx)
}

// start starts everything and fills the users' kinds.
func (r *run) start(ctx context.Context) (err error) {
	p := r.plan()
	if r.o.spawn {
		r.n.say("building hawser, starting %d edge processes, NATS, a router and a push worker", r.o.edges())
		if r.fleet, err = startFleet(ctx, r.dir, r.o); err != nil {
			return err
		}
		r.spawned(&p)
	}
	r.meter = newMeter(r.fleet, r.o.pid)
	if err := r.meter.base(); err != nil {
		return err
	}
	if r.crew, err = startCrew(ctx, r.dir, r.o, p); err != nil {
		return err
	}
	r.rep.Generator.Workers = len(r.crew.hands)
	r.watch = &watch{crew: r.crew, pids: r.meter.pids, began: time.Now()}
	if p.PublishURL == "" {
		r.rep.caveat("nothing was published: without --publish-url no notify and no version is measured")
		return nil
	}
	r.n.say("giving each of %d users a version of %d kinds", p.Conns, len(kinds))
	return r.crew.same(ctx, "Fill", Nothing{})
}

func (r *run) plan() Plan {
	binds, _ := addresses(r.o.bind) // it was checked
	p := Plan{
		Conns: r.o.conns, Addrs: []string{r.o.addr}, CAFile: r.o.caFile, JWTKey: r.o.jwtKey, Tenant: r.o.tenant, Users: r.o.users,
		PublishURL: r.o.publishURL, APIKeyFile: r.o.apiKeyFile,
		Transport: r.o.transport, Hello: r.o.hello, Binds: binds, Beat: r.o.beat, Seed: r.o.seed,
	}
	if r.o.command == storm {
		p.Conns += r.o.storm
	}
	return p
}

// spawned fills in what is known of our own fleet.
func (r *run) spawned(p *Plan) {
	p.Addrs = nil
	for _, e := range r.fleet.edges {
		if !slices.Contains(p.Addrs, e.Listen) {
			p.Addrs = append(p.Addrs, e.Listen)
		}
	}
	env := r.fleet.env
	p.CAFile, p.JWTKey = env.Path("ca.pem"), env.Path(r.o.tenant+".jwk")
	p.PublishURL, p.APIKeyFile = "http://"+r.fleet.router.API, env.Path(r.o.tenant+".api-key")
}

// publishes reports whether there is somebody to publish to.
func (r *run) publishes() bool { return r.o.spawn || r.o.publishURL != "" }

// lead is how far ahead the instants of a call begin, so that every worker
// has it by then.
const lead = 300 * time.Millisecond

// settleLimit bounds the wait for what was published to be heard.
const settleLimit = time.Minute

// connect brings in the users from to to.
func (r *run) connect(ctx context.Context, from, to int, patient bool) error {
	r.watch.enter("connect")
	title := fmt.Sprintf("connecting over %s", r.o.transport)
	err := r.n.during(title, to-from, func() int { return r.watch.stats().Held }, func() error {
		return r.crew.same(ctx, "Connect", ConnectCall{
			From: from, To: to, Start: time.Now().Add(lead), Rate: r.o.connectRate, Patient: patient, Group: groupConnect,
		})
	})
	if err != nil {
		return err
	}
	s, err := r.crew.stats(ctx)
	r.meter.perConnect = r.meter.each(s.Connected, r.meter.baseCPU)
	if err == nil && s.Held == 0 {
		return fmt.Errorf("%w: no device was let in%s", errUnreachable, counts(s.Failed))
	}
	if err == nil && r.fleet != nil {
		return r.registered(ctx, s.Held)
	}
	return err
}

// hold waits while devices only beat.
func (r *run) hold(ctx context.Context, d time.Duration) error {
	r.watch.enter("hold")
	before, err := r.crew.stats(ctx)
	if err != nil {
		return err
	}
	began, cpu := time.Now(), r.meter.cpuSeconds()
	err = r.n.during("holding, seconds", int(d.Seconds()), func() int { return int(time.Since(began).Seconds()) }, func() error {
		if !sleep.For(ctx, d) {
			return ctx.Err()
		}
		return r.trouble()
	})
	after, err2 := r.crew.stats(ctx)
	r.meter.perBeat = r.meter.each(after.Beats-before.Beats, cpu)
	return errors.Join(err, err2)
}

// publish publishes to the users below to and waits until all is heard.
func (r *run) publish(ctx context.Context, c PublishCall, count int) error {
	before, cpu := r.watch.stats().Heard, r.meter.cpuSeconds()
	err := r.n.during("notifying", count, func() int { return r.watch.stats().Heard - before }, func() error {
		if err := r.crew.same(ctx, "Publish", c); err != nil {
			return err
		}
		return r.crew.settle(ctx, settleLimit)
	})
	if err != nil || r.o.command == churn || r.o.command == storm {
		return err // devices connect meanwhile
	}
	s, err := r.crew.stats(ctx)
	r.meter.perNotify = r.meter.each(s.Heard-before, cpu)
	return err
}

func (r *run) trouble() error {
	if r.fleet == nil {
		return nil
	}
	return r.fleet.trouble()
}

// gather asks the workers for what they have and concludes.
func (r *run) gather(ctx context.Context) error {
	r.rep.latencies = newHistograms()
	sum, err := r.crew.results(ctx, r.rep.latencies)
	if err != nil {
		return err
	}
	r.rep.fill(sum)
	r.rep.samples = r.watch.all()
	r.meter.fill(&r.rep.Server, r.rep.samples)
	if r.rep.Conns.Wanted == 0 {
		r.rep.Conns.Wanted = r.plan().Conns
		if r.o.command == storm {
			after, err := r.meter.rss()
			if err != nil {
				return err
			}
			r.judgeStorm(sum.Slots, r.stormAt, r.liveRSS, after)
		}
	}
	return r.rep.conclude(r.o)
}

// fill takes over what the workers counted.
func (r *report) fill(sum Result) {
	s := sum.Stats
	r.Conns.Failed = s.Failed
	r.Versions = versions{s.Published, s.Heard, s.Published - s.Heard, s.Backwards, s.Refused}
	r.Generator.CPUSeconds, r.Generator.RSS = sum.CPUSeconds, sum.RSS
	r.Latency = map[string]quantiles{}
	for _, group := range []string{groupConnect, groupBeat, groupNotify} {
		r.latencies.of(group)
	}
	for group, h := range r.latencies.by {
		r.Latency[group] = h.quantiles()
	}
	most := 0
	for k, n := range sum.TLS {
		if n > most {
			most, r.TLS = n, tlsReport(k)
		}
	}
	if len(sum.TLS) > 1 {
		r.caveat("not all connections negotiated the same: %v", sum.TLS)
	}
}

func (r *run) stop() error {
	if r.crew != nil {
		r.crew.stop()
	}
	if r.fleet == nil {
		return nil
	}
	return r.fleet.stop()
}
