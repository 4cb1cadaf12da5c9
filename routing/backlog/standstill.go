package backlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/metric"
	"github.com/hawser-edge/hawser/routing/jsapi"
)

const (
	// standsAfter is how long a consumer must have handed out nothing new,
	// though messages wait and somebody asks, to be taken for standing still:
	// longer than an election usually takes.
	standsAfter = 6 * time.Second
	// moveEvery is the least time between two moves, of which each router knows
	// its own and those that it saw.
	moveEvery = 30 * time.Second
)

// A mover has the leader of a shared consumer moved when the consumer stands
// still. The server that leads a consumer reads the stream from its own
// replica, and where that one hangs in catch-up, which after a network's
// partition takes nats-server minutes, the consumer hands out nothing,
// although the log goes on and every server says that it is well.
//
// Every router watches. Several may ask at once: they ask for the server that
// leads the stream, which refuses when it leads the consumer already. Who sees
// that another one had it moved leaves it alone for as long as after a move of
// its own.
type mover struct {
	// Static after construction.
	js               jetstream.JetStream
	stream, consumer string
	log              *slog.Logger
	moves            prometheus.Counter

	// Owned by run.
	at      position
	since   time.Time // when the consumer was first seen there; zero: it does not stand
	seen    time.Time // when it was last seen there
	movedAt time.Time // by this router, or it seems by another one
}

// position is where a consumer stands, under which leader.
type position struct {
	leader string
	// delivered is the stream's sequence up to which messages were handed out.
	delivered uint64
}

func newMovers(js jetstream.JetStream, log *slog.Logger, reg prometheus.Registerer) (movers []*mover) {
	p := metric.For(reg, "backlog")
	for stream, consumer := range queues() {
		movers = append(movers, &mover{js: js, stream: stream, consumer: consumer, log: log,
			moves: p.With("stream", stream).Counter("leaders_moved_total",
				"Times that this router had a consumer led by another NATS server because it stood still though messages waited.")})
	}
	return movers
}

// run looks until ctx ends.
func (m *mover) run(ctx context.Context) {
	ticker := time.NewTicker(readEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			// Without an answer nothing is known, and nothing can be asked for.
			if err := m.look(ctx, time.Now()); err != nil {
				m.log.Debug("whether a consumer stands still is not known", "consumer", m.consumer, "error", err)
			}
		}
	}
}

// look moves the leader where the consumer stood still for long enough.
func (m *mover) look(ctx context.Context, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	c, err := m.js.Consumer(ctx, m.stream, m.consumer)
	if err != nil {
		return fmt.Errorf("look up consumer %s: %w", m.consumer, err)
	}
	s, err := m.js.Stream(ctx, m.stream)
	if err != nil {
		return fmt.Errorf("look up stream %s: %w", m.stream, err)
	}
	if !m.stands(c.CachedInfo(), s.CachedInfo(), now) || now.Sub(m.since) < standsAfter || now.Sub(m.movedAt) < moveEvery {
		return nil
	}
	waits, err := m.waits(ctx)
	if err != nil {
		return err
	}
	if !waits {
		m.since = time.Time{} // the stream's end is gone: there is nothing to hand out
		return nil
	}
	m.movedAt = now
	m.log.Warn("a consumer hands out nothing though messages wait: another NATS server is asked to lead it. Look at the one that led it, which may hang in catch-up",
		"consumer", m.consumer, "stream", m.stream, "leader", m.at.leader, "stream_leader", s.CachedInfo().Cluster.Leader,
		"delivered_sequence", m.at.delivered, "last_sequence", s.CachedInfo().State.LastSeq, "seconds", int(now.Sub(m.since).Seconds()))
	if err := m.move(ctx, s.CachedInfo().Cluster.Leader); err != nil {
		m.log.Warn("the consumer's leader was not moved", "consumer", m.consumer, "error", err)
		return nil
	}
	m.moves.Inc()
	m.since = time.Time{}
	return nil
}

// stands takes in what the leaders of both say, and reports whether the
// consumer is where it was: it handed out nothing new, though the stream has
// more and somebody asks for it. Only in a cluster is there another leader.
func (m *mover) stands(c *jetstream.ConsumerInfo, s *jetstream.StreamInfo, now time.Time) bool {
	if c.Cluster == nil || s.Cluster == nil || len(c.Cluster.Replicas) == 0 {
		return false
	}
	if c.Cluster.Leader != m.at.leader && m.stood() {
		m.movedAt = now // another router had it moved
	}
	busy := c.NumWaiting == 0 || c.NumAckPending >= c.Config.MaxAckPending
	if c.Paused || busy || s.State.LastSeq <= c.Delivered.Stream {
		m.since = time.Time{}
		return false
	}
	at := position{c.Cluster.Leader, c.Delivered.Stream}
	if m.since.IsZero() || at != m.at {
		m.at, m.since = at, now
	}
	m.seen = now
	return true
}

// stood reports whether the consumer was seen to stand for so long that another
// router, which looked a little earlier, may have had it moved.
func (m *mover) stood() bool {
	return !m.since.IsZero() && m.seen.Sub(m.since) >= standsAfter-readEvery
}

// waits asks the stream's leader whether there is a message to hand out: the
// last ones may have been deleted.
func (m *mover) waits(ctx context.Context) (bool, error) {
	_, err := jsapi.Get(ctx, m.js.Conn(), m.stream, jsapi.Query{Next: ">", Sequence: m.at.delivered + 1})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	return err == nil, err
}

// move has another server lead the consumer: the one that leads the stream,
// whose log is whole; any other one where that is the one that stands still.
func (m *mover) move(ctx context.Context, to string) error {
	body := map[string]any{}
	if to != "" && to != m.at.leader {
		body["placement"] = map[string]string{"preferred": to}
	}
	return jsapi.Ask(ctx, m.js.Conn(), "CONSUMER.LEADER.STEPDOWN."+m.stream+"."+m.consumer, body, nil)
}
