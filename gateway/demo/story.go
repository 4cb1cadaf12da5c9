package demo

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/sleep"
)

// Options of a run.
type Options struct {
	// Program is the path of the hawser executable: the demo's own fleet runs
	// it, and the story calls its command notify.
	Program string
	// Fleet is the one to tell about. Nil: processes on this machine, made for
	// the run.
	Fleet Fleet
	// Next is what to suggest after a story that held.
	Next []string
	// JSON writes one object at the end instead of a story.
	JSON bool
	// Out receives the story or the object.
	Out io.Writer
}

// stepLimit bounds a step that names no limit. The slowest one of these waits
// for a push to a device that does not read.
const stepLimit = 25 * time.Second

// Kinds of the demo's tenant, as devmode configures them.
const (
	messages = "messages"
	contacts = "contacts"
)

// A story is a run in progress.
type story struct {
	// Static after construction.
	ground  Fleet
	program string

	// Set by start.
	fleet *fleet

	aPhone, aTablet, bPhone, cPhone *device
	// first is what A's devices were told first, and under which id.
	first   answer
	firstID string
	// forB are the versions that were published while B was away.
	forB []int64
	// acknowledged are the versions that a backend was told while parts died:
	// the stream has to hold them.
	acknowledged []int64
	// deadEdge and deadNATS died together.
	deadEdge, deadNATS string
}

// A step is one part of the story. What it returns are plain sentences about
// what was seen.
type step struct {
	name string
	run  func(*story, context.Context) ([]string, error)
	// limit bounds it. 0: stepLimit.
	limit time.Duration
}

func (s *story) steps() []step {
	begin := step{name: "Start: NATS, two routers, an edge and a push worker, each a process", run: (*story).start}
	var outage []step
	if _, ok := s.ground.(Redundant); ok {
		begin = step{"Start: three NATS servers, two edges, two routers and two push workers, each a container", (*story).start, outageLimit}
		outage = outageSteps()
	}
	return slices.Concat([]step{
		begin,
		{name: "User A connects: a phone over QUIC, a tablet over TCP", run: (*story).connectA},
		{name: "Three events through the three doors", run: (*story).threeDoors},
		{name: "The same call again, with the same id", run: (*story).sameAgain},
		{name: "Users B (APNs) and C (FCM) are away: three events each", run: (*story).away},
		{name: "B returns", run: (*story).bReturns},
	}, outage, []step{
		{name: "A's phone stops reading", run: (*story).stopReading},
		{name: "A device with a forged token", run: (*story).forgedToken},
		// How many rounds it takes is chance: the limit leaves time for all of them.
		{"A router dies with an event in its hands", (*story).routerDies, outageLimit},
	})
}

// Run tells the story. The report's OK says whether every step held; the
// error is about telling it.
func Run(ctx context.Context, o Options) (Report, error) {
	ground, clean := o.Fleet, func() error { return nil }
	if ground == nil {
		dir, err := os.MkdirTemp("", "hawser-demo-")
		if err != nil {
			return Report{}, fmt.Errorf("make a folder for the demo: %w", err)
		}
		ground, clean = newProcesses(dir, o.Program), func() error { return os.RemoveAll(dir) }
	}
	out := o.Out
	if o.JSON {
		out = io.Discard
	}
	s := &story{ground: ground, program: o.Program}
	r := s.tell(ctx, printer{w: out, total: len(s.steps()) + 1})
	var err error
	if r.OK {
		err = clean()
		r.Next = o.Next
	} else {
		r.Logs = ground.Logs()
	}
	printer{w: out}.finish(r)
	if o.JSON {
		return r, writeJSON(o.Out, r)
	}
	return r, err
}

func (s *story) tell(ctx context.Context, p printer) Report {
	began := time.Now()
	r := Report{Schema: Schema, OK: true}
	for i, st := range s.steps() {
		p.begin(i+1, st.name)
		report := s.play(ctx, st)
		p.end(report)
		r.Steps = append(r.Steps, report)
		if !report.OK {
			r.OK = false
			break
		}
	}
	// The account is drawn also after a failure: it shows what was lost.
	if s.aPhone != nil {
		if a, err := s.account(ctx); err == nil {
			p.account(a)
			r.Account = &a
			r.OK = r.OK && a.balanced()
		} else if r.OK {
			r.OK = false
			r.Steps = append(r.Steps, StepReport{Name: "The account", Result: []string{err.Error()}, Look: s.look()})
		}
	}
	p.begin(p.total, "Stop")
	stopped := s.play(ctx, step{"Stop", (*story).stop, outageLimit})
	p.end(stopped)
	r.Steps = append(r.Steps, stopped)
	r.OK = r.OK && stopped.OK
	r.Seconds = seconds(time.Since(began))
	return r
}

func (s *story) play(ctx context.Context, st step) StepReport {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(st.limit, stepLimit))
	defer cancel()
	began := time.Now()
	lines, err := st.run(s, ctx)
	report := StepReport{Name: st.name, OK: err == nil, Result: lines, Seconds: seconds(time.Since(began))}
	if err != nil {
		report.Result = append(report.Result, err.Error())
		report.Look = s.look()
	}
	return report
}

func (s *story) look() string {
	return fmt.Sprintf("Look closer: the processes' logs are %s/*.log, one JSON object a line", s.ground.Logs())
}

// account draws the balance of everything that was published.
func (s *story) account(ctx context.Context) (AccountReport, error) {
	ctx, cancel := context.WithTimeout(ctx, stepLimit)
	defer cancel()
	events, err := s.eventsWithAcknowledged(ctx)
	if err != nil {
		return AccountReport{}, err
	}
	var records []deviceRecord
	for _, d := range s.devices() {
		rec := d.record()
		if rec.pushes, err = s.fleet.pushesTo(d); err != nil {
			return AccountReport{}, err
		}
		records = append(records, rec)
	}
	report := AccountReport{account: balance(events, records)}
	for _, v := range missing(s.acknowledged, events) {
		report.Lost++
		report.Faults = append(report.Faults, fmt.Sprintf("lost: version %d was acknowledged and is not in the stream", v))
	}
	sorted := latencies(events, records)
	report.LatencyMS.P50 = milliseconds(quantile(sorted, 0.50))
	report.LatencyMS.P99 = milliseconds(quantile(sorted, 0.99))
	return report, nil
}

// eventsWithAcknowledged reads the stream until it shows what was acknowledged,
// or for five seconds: a NATS server that has just come back may lag behind.
func (s *story) eventsWithAcknowledged(ctx context.Context) (events []event, err error) {
	for range 10 {
		events, err = s.fleet.streamEvents(ctx)
		if err != nil || len(missing(s.acknowledged, events)) == 0 {
			return events, err
		}
		sleep.For(ctx, 500*time.Millisecond)
	}
	return events, nil
}

func (s *story) devices() []*device {
	return []*device{s.aPhone, s.aTablet, s.bPhone, s.cPhone}
}

// stop ends the devices and the fleet.
func (s *story) stop(ctx context.Context) ([]string, error) {
	for _, d := range s.devices() {
		if d != nil {
			d.close()
		}
	}
	if s.fleet == nil {
		return nil, nil
	}
	if err := s.fleet.stop(ctx); err != nil {
		return nil, err
	}
	return []string{"every process drained and ended by itself"}, nil
}

func (s *story) makeDevices() {
	s.aPhone = newDevice(s.fleet, "A", "phone", client.PlatformIOS, 0)
	s.aTablet = newDevice(s.fleet, "A", "tablet", client.PlatformOther, 1)
	s.bPhone = newDevice(s.fleet, "B", "phone", client.PlatformIOS, 0)
	s.cPhone = newDevice(s.fleet, "C", "phone", client.PlatformAndroid, 1)
}
