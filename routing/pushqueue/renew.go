package pushqueue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/jsapi"
)

// End is the sequence of the newest job, 0 where there is none.
func (s *Store) End(ctx context.Context) (uint64, error) {
	m, err := newest(ctx, s.js.Conn(), ">")
	return m.Sequence, err
}

// Renew writes the jobs up to a sequence once more, each where it stands and as
// it is, so that the queue hands them out again, and returns how many those were.
// It is for NATS servers whose disks were full: they come back with consumers that
// take for settled what still lies in the stream (nats-server 2.15.2), and remove
// that after some minutes.
//
// What is due goes before what is held, some thousand a second. A job that changes
// meanwhile is left alone, as it is new then, and one in a worker's hands is
// replaced there, as by any news. Several may renew at once, and begin at different
// places. It ends where the stream has no room (ErrFull) or does not answer; one
// job that is refused for another reason is left out, and is an error in the end:
// after an error call again, with the same sequence.
func (s *Store) Renew(ctx context.Context, end uint64) (renewed int, err error) {
	r := &renewal{store: s}
	from := 1 + rand.Uint64N(max(end, 1))
	for _, subjects := range []string{routing.PushAll, routing.PushLaterAll} {
		for _, part := range [][2]uint64{{from, end}, {1, from - 1}} {
			r.part(ctx, subjects, part[0], part[1])
		}
	}
	if r.err != nil {
		return r.renewed, fmt.Errorf("renew push jobs: %w", r.err)
	}
	return r.renewed, nil
}

const (
	// renewers is how many jobs are written at once.
	renewers = 16
	// renewChunk is how many sequences one of them goes through before it takes the
	// next ones.
	renewChunk = 64
)

// renewal is one call of Renew.
type renewal struct {
	// Static after construction.
	store *Store

	mu sync.Mutex
	// Guarded by mu.
	next    uint64 // the first sequence that no renewer has taken
	renewed int
	err     error // one of those that there were
	ended   bool
}

// part renews the jobs of the subjects from one sequence to another, unless the
// renewal has ended.
func (r *renewal) part(ctx context.Context, subjects string, from, to uint64) {
	r.next = from
	var writing sync.WaitGroup
	for range renewers {
		writing.Go(func() {
			for r.chunk(ctx, subjects, to) {
			}
		})
	}
	writing.Wait()
}

// chunk takes the next sequences up to one and renews what is there. It reports
// false where none are left.
func (r *renewal) chunk(ctx context.Context, subjects string, to uint64) bool {
	from, upTo := r.take()
	upTo = min(upTo, to)
	if from > to {
		return false
	}
	beyond := to + 1
	err := walk(ctx, r.store.js.Conn(), routing.StreamPush, subjects, from, func(m jsapi.Message) bool {
		if m.Sequence > upTo {
			beyond = m.Sequence
			return false
		}
		r.note(r.store.renew(ctx, m))
		return !r.over()
	})
	r.note(false, err)
	if r.over() {
		return false
	}
	r.skip(beyond)
	return true
}

func (r *renewal) take() (from, upTo uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	from = r.next
	r.next += renewChunk
	return from, r.next - 1
}

// skip notes that what nobody has taken begins at a sequence, or later.
func (r *renewal) skip(to uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next = max(r.next, to)
}

func (r *renewal) over() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ended
}

// note takes in what became of a job, or of the walk.
func (r *renewal) note(done bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if done {
		r.renewed++
	}
	if err == nil {
		return
	}
	r.err = err
	var refused *jetstream.APIError
	r.ended = r.ended || errors.Is(err, ErrFull) || !errors.As(err, &refused)
}

// renew reports whether the job was written. One that is not readable is left to
// whoever it is handed out to.
func (s *Store) renew(ctx context.Context, m jsapi.Message) (bool, error) {
	j, err := Parse(m.Subject, m.Data)
	if err != nil {
		return false, nil
	}
	return rewrite(ctx, s.js, j, m.Subject, m.Sequence)
}
