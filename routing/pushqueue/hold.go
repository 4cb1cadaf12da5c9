package pushqueue

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/jsapi"
)

// A job that must not be pushed before some time says so in its body and stands
// at a subject of its own, which the consumer of the jobs that are due does not
// see. Another consumer hands it out once, and is told when to do so again: what
// it keeps of that may be lost with the NATS servers, the body is not, and a job
// that is handed out too early is sent back. Whatever waits takes neither the
// place nor the time of what is due.

const (
	// keepFrom is the shortest hold that is written down: a shorter one is left
	// to the queue's timers, which costs no write and is forgotten with a worker
	// or replaced by a newer job.
	keepFrom = 5 * time.Second
)

// publish writes a job on the condition that expect is the newest message of its
// device and kind, 0 that there is none. It is ErrFull where there is no room.
func publish(ctx context.Context, js jetstream.JetStream, j Job, subject string, expect uint64) error {
	data, err := j.marshal()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrJob, err)
	}
	ctx, cancel := context.WithTimeout(ctx, putAttempt)
	defer cancel()
	_, err = js.PublishMsg(ctx, &nats.Msg{Subject: subject, Data: data},
		jetstream.WithExpectStream(routing.StreamPush), jetstream.WithExpectLastSequenceForSubject(expect, j.slot()))
	if noRoom(err) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// Hold hands the job out again at the given time, to whichever worker has its
// device then. It is written into the stream first, so that it is kept over the
// end of workers and NATS servers, and by newer jobs that do not lift the hold:
// HoldRetry and so on. waitsFor is the application of a HoldPaused, empty
// otherwise. why says it in a few words to the operator: never tokens, never
// content.
func (d *Delivery) Hold(until time.Time, hold int, waitsFor, why string) {
	after := time.Until(until)
	switch {
	case !d.ours():
		// While the workers agree anew nobody has the device. Whoever has it then
		// holds the job: here it would stay among those that are due.
		d.Retry(min(after, keepFrom))
		return
	case after < keepFrom:
		d.Retry(after)
		return
	}
	if !d.claim() {
		return
	}
	j := d.Job
	j.NotBefore, j.Hold, j.WaitsFor, j.Reason = until, hold, waitsFor, short(why)
	if hold == HoldRetry {
		j.Failures++
	}
	d.open.writes.Go(func() {
		if !d.sure() && !d.open.stands(d) {
			d.finish(settledGone, noAnswer)
			return
		}
		err := d.open.hold(d, j)
		switch {
		case err == nil:
			d.end(settledHeld, d.msg.Ack)
		case jsapi.WrongSequence(err):
			// A newer one took its place, or was told of this one already. The
			// queue asks again if that is not so.
			d.finish(settledRetry, func() error { return d.again(time.Second) })
		default:
			d.open.unheld(err)
			d.finish(settledRetry, func() error { return d.again(keepFrom) })
		}
	})
}
