// Package backlog shows how much waits in JetStream, and how full the streams
// are: what operators look at first when news is late, and by which publishers
// are held back. It also sees to it that what waits is handed out
// (standstill.go). Each router reads the same numbers, so take the greatest one
// over routers, not the sum.
package backlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/metric"
	"github.com/hawser-edge/hawser/routing"
)

const (
	// readEvery bounds what publishers can add unseen.
	readEvery = 2 * time.Second
	// readTimeout bounds one round of requests.
	readTimeout = 5 * time.Second
	// freshFor is how long numbers count: without NATS they would tell of the
	// past.
	freshFor = 5 * readEvery
)

// A Watch reads the numbers while Run runs. Make one with New.
type Watch struct {
	// Static after New.
	js     jetstream.JetStream
	bounds Bounds
	movers []*mover

	last    atomic.Pointer[numbers]
	missing atomic.Pointer[error]
}

// numbers are what one round found.
type numbers struct {
	at      time.Time
	queues  map[string]queue
	streams map[string]stream
	// level and why are the pressure that follows.
	level float64
	why   string
}

type queue struct{ waiting, open, most float64 }

type stream struct{ bytes, limit float64 }

// queues are the shared consumers, by stream.
func queues() map[string]string {
	return map[string]string{
		routing.StreamInbox: routing.ConsumerRouters,
		routing.StreamPush:  routing.ConsumerPush,
	}
}

func streams() []string {
	return []string{routing.StreamInbox, routing.StreamPush, routing.StreamEvents, routing.StreamDevices}
}

// New registers the metrics. js needs a router's permissions.
func New(js jetstream.JetStream, bounds Bounds, log *slog.Logger, reg prometheus.Registerer) *Watch {
	w := &Watch{js: js, bounds: bounds.withDefaults(), movers: newMovers(js, log, reg)}
	p := metric.For(reg, "backlog")
	gauge := func(name, help, stream string, read func(*numbers) float64) {
		p.With("stream", stream).GaugeFunc(name, help, func() float64 { return w.read(read) })
	}
	for name := range queues() {
		gauge("waiting_messages", "Messages of a stream that nobody took yet; the same at every router.", name,
			func(n *numbers) float64 { return n.queues[name].waiting })
		gauge("open_messages", "Messages of a stream that were taken and not settled; the same at every router.", name,
			func(n *numbers) float64 { return n.queues[name].open })
	}
	for _, name := range streams() {
		gauge("stream_bytes", "Size of a stream; the same at every router.", name,
			func(n *numbers) float64 { return n.streams[name].bytes })
		gauge("stream_limit_bytes", "Size that a stream may reach; the log of events, INBOX, refuses new ones then.", name,
			func(n *numbers) float64 { return n.streams[name].limit })
	}
	for _, c := range causes() {
		p.With("cause", c.name).GaugeFunc("pressure", "How hard publishers are held back, 0 to 1, by what is full; the greatest one counts.",
			func() float64 { return w.read(func(n *numbers) float64 { return c.level(n, w.bounds) }) })
	}
	return w
}

// read is not a number where nothing was read lately.
func (w *Watch) read(value func(*numbers) float64) float64 {
	n := w.fresh()
	if n == nil {
		return math.NaN()
	}
	return value(n)
}

// Run reads until ctx ends, and has consumers that stand still led by another
// NATS server. A round that fails is left out: that NATS does not answer is
// told elsewhere.
func (w *Watch) Run(ctx context.Context) error {
	var movers sync.WaitGroup
	for _, m := range w.movers {
		movers.Go(func() { m.run(ctx) })
	}
	defer movers.Wait()
	ticker := time.NewTicker(readEvery)
	defer ticker.Stop()
	for {
		n, err := w.round(ctx)
		if err == nil {
			n.judge(w.bounds)
			w.last.Store(n)
		}
		w.note(err)
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// note remembers what NATS says that it does not have. No answer says nothing.
func (w *Watch) note(err error) {
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound), errors.Is(err, jetstream.ErrConsumerNotFound):
		w.missing.Store(&err)
	case err == nil:
		w.missing.Store(nil)
	}
}

// Missing is nil unless NATS said, when it was asked last, that it has no such
// stream or consumer: somebody deleted it, or the disk was lost. The error
// names it.
func (w *Watch) Missing() error {
	if err := w.missing.Load(); err != nil {
		return *err
	}
	return nil
}

func (w *Watch) round(ctx context.Context) (*numbers, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	n := &numbers{at: time.Now(), queues: map[string]queue{}, streams: map[string]stream{}}
	for _, name := range streams() {
		s, err := w.js.Stream(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("look up stream %s: %w", name, err)
		}
		info := s.CachedInfo()
		n.streams[name] = stream{float64(info.State.Bytes), float64(info.Config.MaxBytes)}
	}
	for name, consumer := range queues() {
		c, err := w.js.Consumer(ctx, name, consumer)
		if err != nil {
			return nil, fmt.Errorf("look up consumer %s: %w", consumer, err)
		}
		info := c.CachedInfo()
		n.queues[name] = queue{float64(info.NumPending), float64(info.NumAckPending), float64(info.Config.MaxAckPending)}
	}
	return n, nil
}
