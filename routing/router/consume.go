package router

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/dispatch"
)

// consume pulls events from when the table is complete until ctx ends or the
// router leaves.
func (r *Router) consume(ctx context.Context) {
	defer close(r.drained)
	select {
	case <-ctx.Done():
		return
	case <-r.leaving:
		return
	case <-r.complete:
	}
	watch := &logWatch{r: r}
	for ctx.Err() == nil {
		err := r.consumeOnce(ctx, watch)
		if ctx.Err() != nil || closed(r.leaving) {
			return
		}
		if errors.Is(err, errRecalled) {
			continue
		}
		watch.missed()
		r.metrics.retries.WithLabelValues(retryConsumer).Inc()
		if watch.said.Due(time.Now()) {
			r.cfg.Log.Warn("events cannot be pulled, trying again", "error", routing.Plain(err))
		}
		sleep.For(ctx, retryPause)
	}
}

// errRecalled ends a consumption so that a new one begins.
var errRecalled = errors.New("recalled")

func (r *Router) consumeOnce(ctx context.Context, watch *logWatch) error {
	bounded, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c, err := r.cfg.JS.Consumer(bounded, routing.StreamInbox, routing.ConsumerRouters)
	if err != nil {
		return err
	}
	p := puller{r: r, consumer: c, epoch: r.epoch.Load()}
	for !closed(r.leaving) {
		select {
		case <-r.recalled:
			return errRecalled
		default:
		}
		if err := p.pull(ctx); err != nil {
			watch.missed()
			r.cfg.Log.Debug("pulling events", "error", err)
			sleep.For(ctx, pullPause)
			return errRecalled
		}
		if p.answered() {
			watch.answered(time.Now())
		}
	}
	return nil
}

// receive reads one event and hands it to the loop, waiting for room there.
func (r *Router) receive(ctx context.Context, m jetstream.Msg, epoch uint64) {
	if epoch != r.epoch.Load() {
		return // it comes again by itself
	}
	if closed(r.leaving) {
		_ = m.Nak() // undelivered, it comes again by itself
		return
	}
	msg, err := r.parse(m)
	if errors.Is(err, errUnknownKind) {
		r.metrics.retries.WithLabelValues(retryKind).Inc()
		_ = m.NakWithDelay(unknownKindPause/2 + rand.N(unknownKindPause)) // undelivered, it comes again by itself
		return
	}
	if err != nil {
		r.metrics.malformed.WithLabelValues(malformedEvent).Inc()
		r.cfg.Log.Warn("message in the inbox log is not an event and is dropped", "error", err)
		_ = m.Term()
		return
	}
	msg.Receipt = receipt{m, msg.Receipt.(receipt).seq, epoch}
	select {
	case r.messages <- msg:
	case <-r.leaving:
		_ = m.Nak()
	case <-ctx.Done():
	}
}

// While a fleet learns of a new kind, process by process, a router that does
// not know it yet leaves its events to those that do: it cannot tell whether
// they are to be pushed. A kind that nobody knows has been removed; its events
// are then settled without a push. The pauses differ: routers ask for events
// at even times, so that the same one would be given the event again.
const (
	unknownKindPause = 2 * time.Second
	unknownKindTries = 30
)

var errUnknownKind = errors.New("the router's configuration has no such kind")

func (r *Router) parse(m jetstream.Msg) (dispatch.Message, error) {
	meta, err := m.Metadata()
	if err != nil {
		return dispatch.Message{}, err
	}
	e, err := routing.ParseEvent(m.Subject(), m.Headers(), m.Data(), meta.Sequence.Stream, meta.Timestamp)
	if err != nil {
		return dispatch.Message{}, err
	}
	if _, known := r.cfg.Catalog.Kind(e.Tenant, e.Kind); !known && meta.NumDelivered < unknownKindTries {
		return dispatch.Message{}, errUnknownKind
	}
	msg := r.message(e)
	msg.Redelivered, msg.Receipt = meta.NumDelivered > 1, receipt{msg: m, seq: e.Sequence}
	return msg, nil
}

// message is an event as the dispatcher takes it, without a receipt.
func (r *Router) message(e routing.Event) dispatch.Message {
	kind, known := r.cfg.Catalog.Kind(e.Tenant, e.Kind)
	return dispatch.Message{
		Tenant: e.Tenant, User: e.User, Kind: e.Kind, Version: e.Version, At: e.Time,
		Urgency: urgency(e, kind),
		Push:    known && pushes(kind, e.Push), Content: e.Push, Strict: kind.Push.Strict,
	}
}

// urgency is the event's, where it has one.
func urgency(e routing.Event, k routing.Kind) routing.Urgency {
	return e.Urgency.Or(k.Urgency).Or(routing.UrgencyNormal)
}

// pushes reports whether an event pushes the devices that it does not reach:
// not where it says so itself, and not where it says nothing of a kind
// without pushes.
func pushes(k routing.Kind, content []byte) bool {
	if len(content) == 0 {
		return k.Push.Mode != routing.PushNone
	}
	var p struct {
		None bool `json:"none"`
	}
	return json.Unmarshal(content, &p) != nil || !p.None
}

// receipt is what the dispatcher hands back with a message.
type receipt struct {
	msg jetstream.Msg
	seq uint64
	// epoch is that of the consumption that had it.
	epoch uint64
}

func closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
