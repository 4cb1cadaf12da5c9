package pushqueue

import (
	"context"
	"fmt"
	"time"

	"github.com/hawser-edge/hawser/routing"
)

// Renew writes the jobs that were stored before a time once more, each where it
// stands and as it is, so that the queue hands them out again, and returns how many
// those were. It is for NATS servers whose disks were full: they come back with a
// consumer that knows only what it was told last, and takes for settled what it
// had handed out before (nats-server 2.15.2). Whatever still lies in the stream
// has not been settled.
//
// What is due goes before what is held, one after the other, a few hundred a
// second. A job that changes meanwhile is left alone, as it is new then, and one
// in a worker's hands is replaced there, as by any news. Several may renew at once.
// After an error, which a call with the same time goes on from, the rest is as it
// was.
func (s *Store) Renew(ctx context.Context, before time.Time) (renewed int, err error) {
	for _, subjects := range []string{routing.PushAll, routing.PushLaterAll} {
		var failed error
		err := walk(ctx, s.js.Conn(), routing.StreamPush, subjects, func(m stored) bool {
			if !m.at.Before(before) {
				return false
			}
			done, err := s.renew(ctx, m)
			if done {
				renewed++
			}
			failed = err
			return err == nil
		})
		if err == nil {
			err = failed
		}
		if err != nil {
			return renewed, fmt.Errorf("renew push jobs: %w", err)
		}
	}
	return renewed, nil
}

// renew reports whether the job was written. One that is not readable is left to
// whoever it is handed out to.
func (s *Store) renew(ctx context.Context, m stored) (bool, error) {
	j, err := Parse(m.subject, m.data)
	if err != nil {
		return false, nil
	}
	switch err := publish(ctx, s.js, j, m.subject, m.sequence); {
	case err == nil:
		return true, nil
	case wrongSequence(err):
		return false, nil
	default:
		return false, err
	}
}
