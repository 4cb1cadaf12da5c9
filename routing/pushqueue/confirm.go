package pushqueue

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/jsapi"
)

// An acknowledgement names a sequence of the stream and removes what stands there.
// NATS servers whose disks were full lose the stream's end, and give the sequences
// of what they lost to other jobs. They were started anew then, which ends
// connections. So before a job is removed that was handed out over an earlier
// connection, the worker looks whether it still stands there.

const (
	// confirmFor bounds the attempts to look. A job that could not be looked at
	// comes again.
	confirmFor   = 30 * time.Second
	confirmPause = 250 * time.Millisecond
)

// line is the connection to NATS as it is at a time.
type line struct {
	reconnects uint64
	up         bool
}

// lineOf reads the state first: a reconnect in between is counted then.
func lineOf(nc *nats.Conn) line {
	up := nc.IsConnected()
	return line{nc.Stats().Reconnects, up}
}

// sure reports whether the sequence is the job's without a look.
func (d *Delivery) sure() bool {
	now := d.open.line()
	return now.up && now.reconnects == d.given
}

// again has the queue hand the job out once more, after a time. Where another one
// may stand at its sequence the queue is told nothing: it would put that one off,
// or hand it to a second worker. This one comes again after the consumer's AckWait.
func (d *Delivery) again(after time.Duration) error {
	switch {
	case !d.sure():
		return nil
	case after <= 0:
		return d.msg.Nak()
	default:
		return d.msg.NakWithDelay(after)
	}
}

// back is again, at once.
func (d *Delivery) back() error { return d.again(0) }

// end removes the job from the queue by the answer, unless another one took its
// place there. Who has claimed the job calls this.
func (d *Delivery) end(how string, answer func() error) {
	if d.sure() {
		d.finish(how, answer)
		return
	}
	d.open.writes.Go(func() {
		if !d.open.stands(d) {
			how, answer = settledGone, noAnswer
		}
		d.finish(how, answer)
	})
}

// noAnswer leaves the job to the queue.
func noAnswer() error { return nil }

// stands reports whether a job surely stands where it was handed out from.
func stands(ctx context.Context, nc *nats.Conn, d *Delivery) bool {
	ctx, cancel := context.WithTimeout(ctx, confirmFor)
	defer cancel()
	for {
		m, err := read(ctx, nc, routing.StreamPush, jsapi.Query{Sequence: d.seq})
		if err == nil {
			j, err := Parse(m.Subject, m.Data)
			return err == nil && j.slot() == d.Job.slot() && j.Version == d.Job.Version
		}
		if !sleep.For(ctx, confirmPause) {
			return false
		}
	}
}
