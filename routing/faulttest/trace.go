package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
)

const (
	// maxTraces bounds the losses that are looked into.
	maxTraces = 20
	// traceTimeout bounds all the questions.
	traceTimeout = 20 * time.Second
)

// traces say what NATS has of what was lost, which tells who lost it: whether
// the event is stored, whether its push job waits, and whether the consumers
// passed them. They prove nothing and excuse nothing.
func (r *run) traces(ctx context.Context, lost []loss) (lines []string) {
	if len(lost) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, traceTimeout)
	defer cancel()
	for stream, consumers := range map[string][]string{
		routing.StreamInbox: {routing.ConsumerRouters},
		routing.StreamPush:  {routing.ConsumerPush, routing.ConsumerPushLater},
	} {
		lines = append(lines, r.traceStream(ctx, stream))
		for _, consumer := range consumers {
			lines = append(lines, r.traceConsumer(ctx, stream, consumer))
		}
	}
	for _, l := range lost[:min(len(lost), maxTraces)] {
		lines = append(lines, r.traceLoss(ctx, l))
	}
	return lines
}

func (r *run) traceStream(ctx context.Context, name string) string {
	s, err := r.js.Stream(ctx, name)
	if err != nil {
		return fmt.Sprintf("stream %s: %v", name, err)
	}
	state := s.CachedInfo().State
	return fmt.Sprintf("stream %s: %d messages, %d to %d, led by %s",
		name, state.Msgs, state.FirstSeq, state.LastSeq, s.CachedInfo().Cluster.Leader)
}

func (r *run) traceConsumer(ctx context.Context, stream, name string) string {
	c, err := r.js.Consumer(ctx, stream, name)
	if err != nil {
		return fmt.Sprintf("consumer %s: %v", name, err)
	}
	i := c.CachedInfo()
	return fmt.Sprintf("consumer %s of %s: delivered up to %d, settled up to %d, %d to come, %d handed out, led by %s",
		name, stream, i.Delivered.Stream, i.AckFloor.Stream, i.NumPending, i.NumAckPending, i.Cluster.Leader)
}

func (r *run) traceLoss(ctx context.Context, l loss) string {
	e, d := l.event, l.device
	return fmt.Sprintf("%s version %d for %s: the event %s; its push job %s; the user's newest event %s", e.key, e.version, d,
		r.traceMessage(ctx, routing.StreamInbox, func(s jetstream.Stream) (*jetstream.RawStreamMsg, error) {
			return s.GetMsg(ctx, uint64(e.version))
		}),
		r.traceMessage(ctx, routing.StreamPush, func(s jetstream.Stream) (*jetstream.RawStreamMsg, error) {
			return s.GetLastMsgForSubject(ctx, routing.PushSlot(d.tenant, d.user, d.name, e.kind))
		}),
		r.traceMessage(ctx, routing.StreamInbox, func(s jetstream.Stream) (*jetstream.RawStreamMsg, error) {
			return s.GetLastMsgForSubject(ctx, fmt.Sprintf("inbox.*.%s.%s.%s", d.tenant, d.user, e.kind))
		}))
}

func (r *run) traceMessage(ctx context.Context, stream string, get func(jetstream.Stream) (*jetstream.RawStreamMsg, error)) string {
	s, err := r.js.Stream(ctx, stream)
	if err != nil {
		return err.Error()
	}
	m, err := get(s)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return "is not stored"
	case err != nil:
		return "cannot be read: " + err.Error()
	}
	return fmt.Sprintf("is stored at %d of %s, %s", m.Sequence, m.Time.Format(clock), m.Subject)
}
