package pushqueue

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/reminder"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// heardMax bounds what the other workers said and this one has not yet read.
const heardMax = 1 << 13

// sharing is how the workers of a queue divide the devices: it says beats, hears
// those of the others, and passes jobs to whoever has their device.
type sharing struct {
	// Static after newSharing.
	c      *consumption
	nc     *nats.Conn
	roster *roster
	passes *passes
	// heard has all that others say, in the order in which it came. Never
	// closed.
	heard chan *nats.Msg
	subs  []*nats.Subscription

	// reconnects is how often the connection was lost and made anew.
	reconnects atomic.Uint64

	// Owned by run, not thread-safe.
	asked     uint64 // the newest job that was passed before the last beat
	unshared  reminder.Reminder
	stranger  reminder.Reminder
	idleSince time.Duration
	ready     bool
}

func newSharing(c *consumption, incarnation uint64) (*sharing, error) {
	me := c.cfg.Name
	s := &sharing{c: c, nc: c.js.Conn(), roster: newRoster(me, incarnation), passes: newPasses(), heard: make(chan *nats.Msg, heardMax)}
	// One channel: a worker that stood still must not take what it was passed
	// for news because it hears its own beat first.
	for _, subject := range []string{routing.PushBeatsAll, routing.PassSubject(me), routing.PassedReply(me, "*")} {
		sub, err := s.nc.ChanSubscribe(subject, s.heard)
		if err != nil {
			s.unsubscribe()
			return nil, fmt.Errorf("subscribe to %s: %w", subject, err)
		}
		s.subs = append(s.subs, sub)
	}
	return s, nil
}

// now is the roster's time. Who came while the connection was lost is not known
// before everybody has sent one more beat.
func (s *sharing) now() time.Duration {
	now := s.c.open.since()
	if n := s.nc.Stats().Reconnects; s.reconnects.Swap(n) != n {
		s.roster.missed(now)
	}
	return now
}

func (s *sharing) mine(j Job) bool { return s.roster.mine(j, s.now()) }

func (s *sharing) takesJobs() bool { return s.roster.takesJobs(s.now()) }

func (s *sharing) unsubscribe() {
	for _, sub := range s.subs {
		_ = sub.Unsubscribe() // the connection may be gone
	}
}

// run says beats and listens until ctx ends.
func (s *sharing) run(ctx context.Context) {
	defer s.unsubscribe()
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	s.beat()
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-s.heard:
			s.hear(m)
		case <-tick.C:
			s.beat()
			now := s.now()
			s.roster.sweep(now)
			s.passAgain(now)
			s.tell(now)
		}
	}
}

// beat is heard by all workers, this one included. What is lost is said again.
func (s *sharing) beat() {
	s.publish(&nats.Msg{Subject: routing.PushBeatSubject(s.c.cfg.Name)}, s.roster.beat(s.c.open.since()))
}

// leave tells the others that this worker takes no part any more.
func (s *sharing) leave() {
	s.roster.leave()
	s.beat()
}

func (s *sharing) publish(m *nats.Msg, body proto.Message) {
	if !s.nc.IsConnected() {
		return // in the client's buffer it would grow old
	}
	var err error
	if m.Data, err = proto.Marshal(body); err == nil {
		err = s.nc.PublishMsg(m)
	}
	if err != nil {
		s.c.metrics.lost.Inc()
	}
}

func (s *sharing) hear(m *nats.Msg) {
	now := s.now()
	switch {
	case m.Subject == routing.PassSubject(s.c.cfg.Name):
		s.takePassed(m, now)
	case routing.SafePassedReply(m.Subject):
		s.hearAnswer(m)
	default:
		s.hearBeat(m, now)
	}
}

func (s *sharing) hearBeat(m *nats.Msg, now time.Duration) {
	var b linkpb.PushBeat
	if err := proto.Unmarshal(m.Data, &b); err != nil {
		s.c.metrics.malformed.Inc()
		return
	}
	from := m.Subject[strings.LastIndexByte(m.Subject, '.')+1:]
	if !s.roster.hear(from, &b, now) && s.stranger.Due(time.Now()) {
		s.c.log.Error("another push process uses this one's name: each needs one of its own", "name", from)
	}
}

// idleFor is after what time without jobs the log asks why.
const idleFor = 15 * time.Second

// tell says whether this worker takes part.
func (s *sharing) tell(now time.Duration) {
	takes := s.roster.takesJobs(now)
	if takes {
		s.idleSince = now
	}
	if ready := s.roster.size(now) > 0 && now-s.idleSince <= idleFor; ready != s.ready {
		s.ready = ready
		s.c.cfg.Ready(ready)
	}
	if takes {
		if s.unshared.Over() {
			s.c.log.Info("push jobs are taken again")
		}
		return
	}
	if now-s.idleSince > idleFor && s.unshared.Due(time.Now()) {
		s.c.log.Warn("no push jobs are taken: this process does not hear itself or another push process does not hear it; is NATS away, or its accounts.conf older than hawser?",
			"takes_part", s.roster.size(now) > 0, "counts_on", s.roster.names())
	}
}
