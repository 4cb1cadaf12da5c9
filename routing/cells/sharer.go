package cells

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/heartbeat"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// Learner is the part of heartbeat.Learner that is shared.
type Learner interface {
	Unshared(dst []heartbeat.Path, limit int) []heartbeat.Path
	Export(now time.Time, p heartbeat.Path) (delta []byte, ok bool)
	Import(now time.Time, p heartbeat.Path, snapshot []byte) error
}

var _ Learner = (*heartbeat.Learner)(nil)

const (
	// DefaultEvery is how often an edge shares what it learned.
	DefaultEvery = time.Minute
	// askWait bounds a router's answer. It is above requestTime.
	askWait = 5 * time.Second
	// tries bounds the attempts of one round; firstPause is before another
	// round while nothing has been heard yet.
	tries      = 3
	firstPause = time.Second
)

// SharerConfig of a Sharer.
type SharerConfig struct {
	// Edge is the edge's name, Incarnation its process's start in unix
	// milliseconds: greater than that of every earlier process of this name.
	Edge        string
	Incarnation int64
	// Conn belongs to the caller.
	Conn *nats.Conn
	// Router names a router that was heard just now: see routing.NewAim. Nil:
	// the queue group is asked.
	Router  func(besides string) string
	Learner Learner
	// Every is how often the edge shares, give or take a third. 0:
	// DefaultEvery.
	Every time.Duration
	// AskWait bounds one attempt. 0: 5 s.
	AskWait time.Duration
	// Now is the wall clock. Nil: time.Now.
	Now        func() time.Time
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// Sharer is an edge's part of sharing.
type Sharer struct {
	// Static after construction.
	cfg     SharerConfig
	log     *slog.Logger
	metrics *sharerMetrics

	// heardAt is when all that there was had been heard, in unix nanoseconds.
	heardAt atomic.Int64

	// Owned by Run.

	// batch is what a router has not answered yet, under number. While it is
	// not empty nothing else is sent.
	batch  []*linkpb.Cell
	number uint64
	// What was heard: all up to revision of generation.
	generation int64
	revision   uint64
	// whole: all was heard at least once.
	whole bool
}

// NewSharer checks the configuration; Run does the work.
func NewSharer(cfg SharerConfig) (*Sharer, error) {
	if err := wire.CheckID("edge", cfg.Edge); err != nil {
		return nil, err
	}
	if cfg.Conn == nil || cfg.Learner == nil || cfg.Incarnation <= 0 {
		return nil, errors.New("cells: a connection to NATS, a learner and the process's start are needed")
	}
	if cfg.Every == 0 {
		cfg.Every = DefaultEvery
	}
	if cfg.AskWait == 0 {
		cfg.AskWait = askWait
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Sharer{cfg: cfg, log: cfg.Log}
	s.heardAt.Store(time.Now().UnixNano())
	s.metrics = newSharerMetrics(cfg.Registerer, s)
	return s, nil
}

// age is since when nothing is known of the others.
func (s *Sharer) age() float64 { return time.Since(time.Unix(0, s.heardAt.Load())).Seconds() }

// Run shares until ctx ends, and returns nil then. Nobody waits for it: an edge
// that cannot share learns by itself.
func (s *Sharer) Run(ctx context.Context) error {
	pause := rand.N(firstPause)
	for first := firstPause; sleep.For(ctx, pause); {
		err := s.round(ctx)
		if err != nil && ctx.Err() == nil {
			s.log.Debug("what is known of networks was not shared, trying again", "error", err)
		}
		every := s.cfg.Every
		if !s.whole {
			first = min(2*first, every)
			every = first
		}
		pause = every*2/3 + rand.N(every*2/3)
	}
	return nil
}

// round sends what there is to send, and asks for what there is to hear.
func (s *Sharer) round(ctx context.Context) error {
	for page := 0; page < roundPages || !s.whole; page++ {
		if page > 0 && !sleep.For(ctx, pagePause) {
			return nil
		}
		s.collect()
		more, err := s.exchange(ctx)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// collect takes up what was learned, unless a batch is under way.
func (s *Sharer) collect() {
	if len(s.batch) > 0 {
		return
	}
	now := s.cfg.Now()
	for _, p := range s.cfg.Learner.Unshared(nil, batchCells) {
		if delta, ok := s.cfg.Learner.Export(now, p); ok && len(s.batch) < batchCells {
			s.batch = append(s.batch, &linkpb.Cell{Network: p.Key(), Snapshot: delta})
		}
	}
	if len(s.batch) > 0 {
		s.number++
	}
}

// exchange has one request answered, and reports whether there is more to
// send or to hear.
func (s *Sharer) exchange(ctx context.Context) (more bool, err error) {
	full := len(s.batch) == batchCells
	resp, err := s.ask(ctx)
	if err != nil {
		return false, err
	}
	later := s.settle(resp.GetFates())
	if resp.GetMore() && resp.GetGeneration() == s.generation && resp.GetRevision() <= s.revision {
		return false, fmt.Errorf("%w: there is more after revision %d, and nothing of it", errAnswer, s.revision)
	}
	s.hear(resp)
	if !resp.GetMore() {
		s.whole = true
		s.heardAt.Store(time.Now().UnixNano())
	}
	return resp.GetMore() || full && !later, nil
}

func (s *Sharer) ask(ctx context.Context) (*linkpb.CellsResponse, error) {
	data, err := proto.Marshal(&linkpb.CellsRequest{
		Incarnation: s.cfg.Incarnation, Batch: s.number, Deltas: s.batch,
		Generation: s.generation, Revision: s.revision,
	})
	if err != nil {
		return nil, err
	}
	aim := routing.NewAim(routing.CellsSubject(s.cfg.Edge), s.cfg.Router)
	for range tries {
		var resp *linkpb.CellsResponse
		if resp, err = s.askOnce(ctx, aim, data); err == nil {
			return resp, nil
		}
		s.metrics.failures.Inc()
		if !sleep.For(ctx, rand.N(time.Second)) {
			break
		}
	}
	return nil, err
}

var errAnswer = errors.New("not a router's answer about networks")

func (s *Sharer) askOnce(ctx context.Context, aim *routing.Aim, data []byte) (*linkpb.CellsResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.AskWait)
	defer cancel()
	msg, err := s.cfg.Conn.RequestWithContext(ctx, aim.Next(), data)
	if errors.Is(err, nats.ErrNoResponders) && aim.Elsewhere() {
		msg, err = s.cfg.Conn.RequestWithContext(ctx, aim.Next(), data)
	}
	if err != nil {
		return nil, err
	}
	return parseResponse(msg.Data, len(s.batch))
}

func parseResponse(data []byte, deltas int) (*linkpb.CellsResponse, error) {
	var resp linkpb.CellsResponse
	if err := proto.Unmarshal(data, &resp); err != nil {
		return nil, fmt.Errorf("%w: %w", errAnswer, err)
	}
	switch {
	case resp.GetError() != "":
		return nil, fmt.Errorf("a router could not answer: %.200q", resp.GetError())
	case len(resp.GetFates()) != deltas:
		return nil, fmt.Errorf("%w: %d deltas were answered for %d", errAnswer, len(resp.GetFates()), deltas)
	}
	return &resp, nil
}

// settle keeps what is to be sent again, under the same number: of some of it
// a router may have answered nothing and merged it all the same.
func (s *Sharer) settle(fates []linkpb.CellsResponse_Fate) (later bool) {
	rest := s.batch[:0]
	for i, fate := range fates {
		switch fate {
		case linkpb.CellsResponse_FATE_MERGED:
			s.metrics.sent.WithLabelValues(sentMerged).Inc()
		case linkpb.CellsResponse_FATE_LATER:
			s.metrics.sent.WithLabelValues(sentLater).Inc()
			rest = append(rest, s.batch[i])
		default:
			s.metrics.sent.WithLabelValues(sentRefused).Inc()
		}
	}
	clear(s.batch[len(rest):])
	s.batch = rest
	return len(rest) > 0
}

// hear takes the others' sums over. What this edge sees meanwhile is added to
// them by the Learner; what is under way comes with a later sum.
func (s *Sharer) hear(resp *linkpb.CellsResponse) {
	now := s.cfg.Now()
	for _, c := range resp.GetCells() {
		path, err := heartbeat.ParseKey(c.GetNetwork())
		if err == nil && len(c.GetSnapshot()) <= heartbeat.MaxSnapshot {
			err = s.cfg.Learner.Import(now, path, c.GetSnapshot())
		}
		if err != nil {
			s.metrics.unreadable.Inc()
			continue
		}
		s.metrics.received.Inc()
	}
	s.generation, s.revision = resp.GetGeneration(), resp.GetRevision()
}
