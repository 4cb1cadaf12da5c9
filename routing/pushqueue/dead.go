package pushqueue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// A Letter is a push that was given up, kept for the operator: which, why, when,
// and how often it was tried. One is kept a device and kind, the newest: a push
// says that there is something newer, and who is told of the newest misses none
// before.
//
// It has neither the device's token nor the push's content, which is what users
// write to one another and belongs in the log of their events alone. A push that
// is made after all takes it from there.
type Letter struct {
	Job
	// App is the application at its provider, empty where it was not known.
	App string
	// DeadAt is when it was given up.
	DeadAt time.Time
	// Deliveries is how often the queue handed the job out.
	Deliveries uint64
	// Sequence is its number in the stream; 0 before it is stored.
	Sequence uint64
}

// ID names a letter for as long as it is kept.
func (l Letter) ID() string { return strconv.FormatUint(l.Sequence, 10) }

// ErrLetter is the root of errors about a dead letter that cannot be read.
var ErrLetter = errors.New("not a dead letter")

func (l Letter) subject() string {
	return routing.PushDeadSubject(l.Tenant, l.User, l.Device, l.Kind)
}

func (l Letter) marshal() ([]byte, error) {
	j := l.Job
	j.Push = nil
	return proto.Marshal(&linkpb.DeadLetter{Job: j.message(), App: short(l.App), DeadMs: unixMilli(l.DeadAt), Deliveries: l.Deliveries})
}

// ParseLetter reads a message of the stream of dead letters.
func ParseLetter(subject string, sequence uint64, data []byte) (Letter, error) {
	var m linkpb.DeadLetter
	if err := proto.Unmarshal(data, &m); err != nil {
		return Letter{}, fmt.Errorf("%w: the body is not readable", ErrLetter)
	}
	j, err := jobOf(m.GetJob())
	if err != nil {
		return Letter{}, fmt.Errorf("%w: %w", ErrLetter, err)
	}
	l := Letter{Job: j, App: short(m.GetApp()), DeadAt: fromMilli(m.GetDeadMs()), Deliveries: m.GetDeliveries(), Sequence: sequence}
	if l.subject() != subject {
		return Letter{}, fmt.Errorf("%w: subject and body name different devices", ErrLetter)
	}
	return l, nil
}

// bury keeps a letter, in the place of an older one of the device and kind.
func bury(ctx context.Context, js jetstream.JetStream, l Letter) error {
	data, err := l.marshal()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrLetter, err)
	}
	ctx, cancel := context.WithTimeout(ctx, putAttempt)
	defer cancel()
	_, err = js.PublishMsg(ctx, &nats.Msg{Subject: l.subject(), Data: data}, jetstream.WithExpectStream(routing.StreamPushDead))
	if err != nil {
		return fmt.Errorf("keep dead letter: %w", err)
	}
	return nil
}

// Dead gives the job up and keeps it as a dead letter of that application, with
// the reason: never a token, never content. The letter is kept first, so that a
// worker that ends in between leaves a job that is given up once more, and takes
// the same place then. If it cannot be kept within 2 s the job comes again. The
// event push.dead is the caller's to publish, before.
func (d *Delivery) Dead(app, reason string) {
	if !d.claim() {
		return
	}
	l := Letter{Job: d.Job, App: app, DeadAt: time.Now(), Deliveries: d.Deliveries}
	l.Reason, l.Failures = short(reason), l.Failures+1
	l.NotBefore, l.Hold, l.WaitsFor = time.Time{}, HoldNone, ""
	d.open.writes.Go(func() {
		if err := d.open.bury(l); err != nil {
			d.open.metrics.unburied.Inc()
			d.finish(settledRetry, func() error { return d.again(keepFrom) })
			return
		}
		d.end(settledDead, func() error { return d.msg.TermWithReason(l.Reason) })
	})
}

// checkIDs refuses what would reach into another subject; an empty id stands for
// all.
func checkIDs(ids map[string]string) error {
	for what, id := range ids {
		if id == "" {
			continue
		}
		if err := wire.CheckID(what, id); err != nil {
			return err
		}
	}
	return nil
}
