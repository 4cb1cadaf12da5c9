package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/routing"
)

// A Redundant fleet has two edges and three NATS servers, so that the story
// may go on without one of each.
type Redundant interface {
	Fleet
	// End asks a member to stop, and returns once it has ended well.
	End(ctx context.Context, member string) error
	// Return starts a member or a NATS server that has ended, and returns once
	// it is ready. Kill ends NATS servers too.
	Return(ctx context.Context, member string) error
}

// outageLimit bounds the steps in which parts die: NATS takes up to 9 s to
// elect a leader, a member its time to stop or to start, and a device on QUIC up
// to three quarters of a minute until it misses its edge.
const outageLimit = 2 * time.Minute

// outageSteps are told of a Redundant fleet only.
func outageSteps() []step {
	return []step{
		{"An edge and the NATS server that leads the stream die, under events", (*story).edgeAndNATSDie, outageLimit},
		{"They come back, and the other edge is stopped in order, under events", (*story).otherEdgeStops, outageLimit},
	}
}

// pace is how far apart the events of an outage are.
const pace = 250 * time.Millisecond

func (s *story) edgeAndNATSDie(ctx context.Context) ([]string, error) {
	f := s.fleet.Fleet.(Redundant)
	inbox, err := s.fleet.js.Stream(ctx, routing.StreamInbox)
	if err != nil {
		return nil, fmt.Errorf("ask NATS who leads the stream: %w", err)
	}
	s.deadEdge, s.deadNATS = s.fleet.edges[0].Name, inbox.CachedInfo().Cluster.Leader
	var died time.Time
	b, err := s.underEvents(ctx, "outage", 24, 6, func() error {
		died = time.Now()
		return bothOf(func() error { return f.Kill(ctx, s.deadEdge) }, func() error { return f.Kill(ctx, s.deadNATS) })
	})
	if err != nil {
		return b.lines(), err
	}
	lines := append([]string{fmt.Sprintf("%s and %s are killed (signal 9) after event 6", s.deadEdge, s.deadNATS)}, b.lines()...)
	after, err := s.aPhone.waitBack(ctx, died)
	if err != nil {
		return lines, err
	}
	return append(lines, fmt.Sprintf("the phone, which was on %s and is pushed meanwhile, is on the other edge after %.1f s", s.deadEdge, after.Seconds())), nil
}

func (s *story) otherEdgeStops(ctx context.Context) ([]string, error) {
	f := s.fleet.Fleet.(Redundant)
	began := time.Now()
	if err := bothOf(func() error { return f.Return(ctx, s.deadNATS) }, func() error { return f.Return(ctx, s.deadEdge) }); err != nil {
		return nil, err
	}
	lines := []string{fmt.Sprintf("%s and %s are ready again after %.1f s", s.deadEdge, s.deadNATS, time.Since(began).Seconds())}
	other := s.fleet.edges[1].Name
	var asked, ended time.Time
	b, err := s.underEvents(ctx, "drain", 12, 3, func() error {
		asked = time.Now()
		err := f.End(ctx, other)
		ended = time.Now()
		return err
	})
	if err != nil {
		return append(lines, b.lines()...), err
	}
	lines = append(lines, fmt.Sprintf("%s drains and ends with exit code 0 after %.1f s", other, ended.Sub(asked).Seconds()))
	lines = append(lines, b.lines()...)
	for _, d := range []*device{s.aPhone, s.aTablet} {
		after, err := d.waitBack(ctx, asked)
		if err != nil {
			return lines, err
		}
		lines = append(lines, fmt.Sprintf("the %s is on %s %.1f s after %s was asked to stop", d.name, s.deadEdge, after.Seconds(), other))
	}
	return lines, f.Return(ctx, other)
}

// bothOf runs two things side by side.
func bothOf(a, b func() error) error {
	var errs [2]error
	var both sync.WaitGroup
	both.Go(func() { errs[0] = a() })
	both.Go(func() { errs[1] = b() })
	both.Wait()
	return errors.Join(errs[:]...)
}

// A burst is what a backend saw that published for a while.
type burst struct {
	versions []int64
	slowest  time.Duration
	repeats  int
}

func (b burst) lines() []string {
	return []string{fmt.Sprintf("%d events are published and acknowledged, the slowest after %.1f s, with %d repeats under their ids",
		len(b.versions), b.slowest.Seconds(), b.repeats)}
}

// underEvents publishes n events to A, one a pace, lets something happen after
// the first ones, and waits until both of A's devices have heard all of them.
func (s *story) underEvents(ctx context.Context, name string, n, after int, happen func() error) (burst, error) {
	var b burst
	happened := make(chan error, 1)
	waiting := false
	for i := range n {
		if i == after {
			waiting = true
			go func() { happened <- happen() }()
		}
		began := time.Now()
		version, repeats, err := s.publishUntilStored(ctx, name+"-"+strconv.Itoa(i), i)
		if err != nil {
			if waiting {
				err = errors.Join(err, <-happened)
			}
			return b, err
		}
		b.versions, b.repeats = append(b.versions, version), b.repeats+repeats
		b.slowest = max(b.slowest, time.Since(began))
		sleep.For(ctx, pace-time.Since(began))
	}
	if err := <-happened; err != nil {
		return b, err
	}
	s.acknowledged = append(s.acknowledged, b.versions...)
	for _, d := range []*device{s.aPhone, s.aTablet} {
		if err := d.waitHeard(ctx, messages, b.versions...); err != nil {
			return b, err
		}
	}
	return b, nil
}

// answerWithin is how long a backend waits before it repeats.
const answerWithin = 3 * time.Second

// publishUntilStored publishes as a careful backend does: under an id, to one
// router after the other, until one says that the event is stored.
func (s *story) publishUntilStored(ctx context.Context, id string, turn int) (version int64, repeats int, err error) {
	p := publication{user: "A", kind: messages, item: id, id: id, title: "To A", body: id}
	err = devmode.Until(ctx, func() error {
		within, cancel := context.WithTimeout(ctx, answerWithin)
		defer cancel()
		a, err := s.fleet.publishHTTP(within, s.fleet.routers[(turn+repeats)%len(s.fleet.routers)], p)
		if err != nil {
			repeats++
			sleep.For(ctx, pace)
			return err
		}
		version = a.Version
		return nil
	})
	return version, repeats, err
}

// missing are the acknowledged versions that the stream does not hold.
func missing(acknowledged []int64, events []event) []int64 {
	held := map[int64]bool{}
	for _, e := range events {
		held[e.version] = true
	}
	return slices.DeleteFunc(slices.Clone(acknowledged), func(v int64) bool { return held[v] })
}
