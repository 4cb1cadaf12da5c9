package pushqueue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/jsapi"
)

// A Reader shows an operator what waits and what was given up. It needs a push
// worker's rights. Its methods may be called from any number of goroutines.
type Reader struct {
	// Static after construction.
	js    jetstream.JetStream
	store *Store
}

// NewReader returns a reader. Close it.
func NewReader(js jetstream.JetStream) *Reader { return &Reader{js: js, store: NewStore(js, nil)} }

// Close ends what is under way.
func (r *Reader) Close() { r.store.Close() }

// A Filter chooses jobs and letters; what is empty chooses all.
type Filter struct {
	Tenant, User, Device, Kind string
	// App is the application of a letter, or that a job waits for: of one that
	// waits for something else it is not known.
	App string
	// Reason is a part of the reason, in any case.
	Reason string
}

func (f Filter) subject() (string, error) {
	parts := [...]string{f.Tenant, f.User, f.Device, f.Kind}
	if err := checkIDs(map[string]string{"tenant": f.Tenant, "user": f.User, "device": f.Device, "kind": f.Kind}); err != nil {
		return "", err
	}
	for i, p := range parts {
		if p == "" {
			parts[i] = "*"
		}
	}
	return routing.PushSlot(parts[0], parts[1], parts[2], parts[3]), nil
}

func (f Filter) fits(reason string) bool {
	return strings.Contains(strings.ToLower(reason), strings.ToLower(f.Reason))
}

// A WaitingJob is a job in the queue.
type WaitingJob struct {
	Job
	// StoredAt is when the job took its place in the queue, Sequence its number
	// there.
	StoredAt time.Time
	Sequence uint64
	subject  string
}

// Waiting calls visit for the jobs that wait, the oldest first, until it returns
// false. What is not readable is left out.
func (r *Reader) Waiting(ctx context.Context, f Filter, visit func(WaitingJob) bool) error {
	subject, err := f.subject()
	if err != nil {
		return err
	}
	return walk(ctx, r.js.Conn(), routing.StreamPush, subject, 1, func(m jsapi.Message) bool {
		j, err := Parse(m.Subject, m.Data)
		if err != nil || !f.fits(j.Reason) || f.App != "" && j.App() != short(f.App) {
			return true
		}
		return visit(WaitingJob{Job: j, StoredAt: m.At, Sequence: m.Sequence, subject: m.Subject})
	})
}

// Letters calls visit for the dead letters, the oldest first, until it returns
// false.
func (r *Reader) Letters(ctx context.Context, f Filter, visit func(Letter) bool) error {
	subject, err := f.subject()
	if err != nil {
		return err
	}
	return walk(ctx, r.js.Conn(), routing.StreamPushDead, subject, 1, func(m jsapi.Message) bool {
		l, err := ParseLetter(m.Subject, m.Sequence, m.Data)
		if err != nil || !f.fits(l.Reason) || f.App != "" && l.App != f.App {
			return true
		}
		return visit(l)
	})
}

// Requeue has a push made after all: it is stored as news of now, unless one for
// something newer waits, and the letter goes. To do so twice does it once.
func (r *Reader) Requeue(ctx context.Context, l Letter) error {
	j := l.Job
	j.LatestAt, j.Failures, j.Reason = time.Now(), 0, ""
	done := make(chan error, 1)
	r.store.Put(j, func(err error) { done <- err })
	select {
	case err := <-done:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	return r.remove(ctx, l)
}

// remove takes a letter away, which may have gone before.
func (r *Reader) remove(ctx context.Context, l Letter) error {
	err := jsapi.Ask(ctx, r.js.Conn(), "STREAM.MSG.DELETE."+routing.StreamPushDead, jsapi.Query{Sequence: l.Sequence}, nil)
	if err != nil && !gone(err) {
		return fmt.Errorf("remove dead letter: %w", err)
	}
	return nil
}

// gone reports whether a message was not removed because it is not there. NATS
// has a code for that, and does not use it for the oldest ones.
func gone(err error) bool {
	const sequenceNotFound, deleteFailed = 10043, 10057
	var e *jetstream.APIError
	if !errors.As(err, &e) {
		return false
	}
	return e.ErrorCode == sequenceNotFound || e.ErrorCode == deleteFailed && strings.Contains(e.Description, "no message found")
}

// Release ends the hold of a job that waits, whatever it is for: it is handed
// out at once. It reports false where the job has gone, or a newer one has come.
func (r *Reader) Release(ctx context.Context, w WaitingJob) (bool, error) {
	j := w.Job
	j.NotBefore, j.Hold, j.WaitsFor = time.Time{}, HoldNone, ""
	done, err := rewrite(ctx, r.js, j, w.subject, w.Sequence)
	if err != nil {
		return false, fmt.Errorf("release push job: %w", err)
	}
	return done, nil
}

// rewrite writes a job in the place of the one at a sequence. It reports false
// where that has gone, or a newer one has come.
func rewrite(ctx context.Context, js jetstream.JetStream, j Job, subject string, sequence uint64) (bool, error) {
	err := publish(ctx, js, j, subject, sequence)
	if jsapi.WrongSequence(err) {
		return false, nil
	}
	return err == nil, err
}

// walk reads the messages of a subject from a sequence on, one by one, from the
// stream's leader, until visit returns false.
func walk(ctx context.Context, nc *nats.Conn, stream, subject string, from uint64, visit func(jsapi.Message) bool) error {
	for {
		m, err := read(ctx, nc, stream, jsapi.Query{Next: subject, Sequence: from})
		if err != nil {
			return err
		}
		if m.Sequence == 0 || !visit(m) {
			return nil
		}
		from = m.Sequence + 1
	}
}
