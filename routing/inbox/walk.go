package inbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/routing"
)

const (
	// walkBatch and walkBytes bound an answer.
	walkBatch, walkBytes = 1024, 4 << 20
	// walkTries is how often a replica is asked again that does not have the
	// log's end, walkPause the time between two questions of a walk that found
	// nothing. What was removed at the end never comes.
	walkTries = 10
	walkPause = 100 * time.Millisecond
)

// Walk reads all users' events that were stored since a time, in the log's order,
// up to the one that is the last when it begins, until visit returns false. An
// event that cannot be read is left out. ErrUnavailable: NATS did not answer
// before the end of ctx; what was visited is right.
func (r *Reader) Walk(ctx context.Context, since time.Time, visit func(routing.Event) bool) error {
	a := r.asking()
	end, err := a.end(ctx)
	if err != nil {
		return err
	}
	req := getRequest{StartTime: &since, Batch: walkBatch, MaxBytes: walkBytes}
	for at, empty := uint64(0), 0; at < end && empty < walkTries; {
		var b batch
		err := a.retry(ctx, func(ctx context.Context) (err error) {
			b, err = r.direct(ctx, req, walkBatch)
			return err
		})
		if err != nil {
			return err
		}
		if len(b.msgs) == 0 {
			if empty++; !sleep.For(ctx, walkPause) {
				return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
			}
			continue
		}
		empty, at = 0, b.last()
		for i := range b.msgs {
			e, err := b.msgs[i].event()
			if err == nil && !visit(e) {
				return nil
			}
		}
		req.StartTime, req.Seq = nil, at+1
	}
	return nil
}

// end is the log's last sequence, as a leader knows it that leads.
func (r *asking) end(ctx context.Context) (last uint64, err error) {
	err = r.retry(ctx, func(ctx context.Context) error {
		road, err := r.road()
		if err == nil {
			last, err = r.lastOver(ctx, road)
		}
		var api *jetstream.APIError
		if errors.As(err, &api) {
			err = fmt.Errorf("%w: %w", ErrUnavailable, err) // a stream that is on its way back
		}
		return err
	})
	return last, err
}
