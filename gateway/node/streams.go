package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/metric"
	"github.com/hawser-edge/hawser/gateway/reminder"
	"github.com/hawser-edge/hawser/gateway/sleep"
)

const (
	// mendEvery is how often it is looked whether a stream is missing.
	mendEvery = time.Second
	// mendAfter is for how long it is missed before it is made anew: every
	// router has seen it by then.
	mendAfter = 5 * time.Second
)

// errLost begins what /readyz says meanwhile.
var errLost = errors.New("a stream or consumer is lost in NATS and is made anew in some seconds")

// A mender makes streams and consumers anew that are lost while the router
// runs. Without their consumer no event would reach anybody, and publishers
// would be told that all is stored.
type mender struct {
	// Static after newMender.
	log     *slog.Logger
	missing func() error
	ensure  func(context.Context) error
	// after is called when nothing is missing any more.
	after  func()
	mended prometheus.Counter
}

func newMender(p parts, missing func() error, ensure func(context.Context) error, after func()) *mender {
	return &mender{
		log: p.log, missing: missing, ensure: ensure, after: after,
		mended: metric.For(p.registry, "backlog").Counter("streams_mended_total",
			"Times that this router found a stream or consumer missing in NATS and made it anew. Each router counts those that it saw."),
	}
}

// ready is nil unless something is missing.
func (m *mender) ready() error {
	if err := m.missing(); err != nil {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	return nil
}

// loss is what a mender remembers of what is missing.
type loss struct {
	since time.Time         // when it was first missed; zero: nothing is missing
	said  reminder.Reminder // that it cannot be made anew
}

// run looks after the streams until ctx ends.
func (m *mender) run(ctx context.Context) error {
	tick := time.NewTicker(mendEvery)
	defer tick.Stop()
	var l loss
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			m.look(ctx, &l)
		}
	}
}

func (m *mender) look(ctx context.Context, l *loss) {
	why := m.missing()
	switch {
	case why == nil && l.since.IsZero():
	case why == nil:
		l.since = time.Time{}
		m.after()
	case l.since.IsZero():
		l.since = time.Now()
		m.log.Error("a stream or consumer is lost in NATS: find out who deleted it, or which disk was lost. It is made anew in some seconds", "error", why)
	case time.Since(l.since) >= mendAfter:
		m.makeAnew(ctx, l, why)
	}
}

func (m *mender) makeAnew(ctx context.Context, l *loss, why error) {
	if err := m.mend(ctx); err != nil {
		if ctx.Err() == nil && l.said.Due(time.Now()) {
			m.log.Error("what is lost in NATS cannot be made anew, trying again", "error", err)
		}
		return
	}
	m.mended.Inc()
	m.log.Warn("streams and consumers are complete again: the items of a stream that was lost are gone; where only its consumer was, events are told again, and devices that are away are pushed once more",
		"error", why)
	m.settle(ctx)
}

func (m *mender) mend(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, awaitTry)
	defer cancel()
	return m.ensure(ctx)
}

// settle waits until it is seen that nothing is missing any more.
func (m *mender) settle(ctx context.Context) {
	for range int(mendAfter / mendEvery) {
		if !sleep.For(ctx, mendEvery) {
			return
		}
		if m.missing() == nil {
			return
		}
	}
}
