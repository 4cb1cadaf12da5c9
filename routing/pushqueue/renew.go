package pushqueue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
)

// End is the sequence of the newest job, 0 where there is none.
func (s *Store) End(ctx context.Context) (uint64, error) {
	m, err := newest(ctx, s.js.Conn(), ">")
	return m.sequence, err
}

// Renew writes the jobs up to a sequence once more, each where it stands and as
// it is, so that the queue hands them out again, and returns how many those were.
// It is for NATS servers whose disks were full: they come back with consumers that
// take for settled what still lies in the stream (nats-server 2.15.2), and remove
// that after some minutes.
//
// What is due goes before what is held, one after the other, some hundred a
// second. A job that changes meanwhile is left alone, as it is new then, and one
// in a worker's hands is replaced there, as by any news. Several may renew at once,
// and begin at different places. It ends where the stream has no room (ErrFull); one
// that is refused for another reason is left out,
// and is an error in the end: after one call again, with the same sequence.
func (s *Store) Renew(ctx context.Context, end uint64) (renewed int, err error) {
	var errs []error
	from := 1 + rand.Uint64N(max(end, 1))
	for _, subjects := range []string{routing.PushAll, routing.PushLaterAll} {
		for _, part := range [][2]uint64{{from, end}, {1, from - 1}} {
			n, err := s.renewPart(ctx, subjects, part[0], part[1])
			renewed += n
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return renewed, fmt.Errorf("renew push jobs: %w", err)
	}
	return renewed, nil
}

// renewPart goes on where the stream refuses a job, and ends where it does not
// answer or has no room.
func (s *Store) renewPart(ctx context.Context, subjects string, from, to uint64) (renewed int, err error) {
	var failed error
	err = walk(ctx, s.js.Conn(), routing.StreamPush, subjects, from, func(m stored) bool {
		if m.sequence > to {
			return false
		}
		done, err := s.renew(ctx, m)
		if done {
			renewed++
		}
		if err != nil {
			failed = err
		}
		var refused *jetstream.APIError
		return err == nil || errors.As(err, &refused) && !errors.Is(err, ErrFull)
	})
	return renewed, errors.Join(err, failed)
}

// renew reports whether the job was written. One that is not readable is left to
// whoever it is handed out to.
func (s *Store) renew(ctx context.Context, m stored) (bool, error) {
	j, err := Parse(m.subject, m.data)
	if err != nil {
		return false, nil
	}
	return rewrite(ctx, s.js, j, m.subject, m.sequence)
}
