package inbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/hawser-edge/hawser/routing"
)

// maxSubjects is how many subjects one request names: the server answers at
// most 1024.
const maxSubjects = 512

// headsBytes bounds the bodies that come along with the heads of one
// request; what is over it is asked for again.
const headsBytes = 2 << 20

// User names a user of a tenant.
type User struct{ Tenant, User string }

// Head is the newest version of a kind.
type Head struct {
	Kind    string
	Version int64
	// Sequence in the log; the version itself where hawser numbers.
	Sequence uint64
}

// Heads returns the heads of users, in their order; kinds without events are
// left out. The answer is at least as new as sequence minSeq of the log; 0:
// as new as the replica that happens to answer.
func (r *Reader) Heads(ctx context.Context, users []User, minSeq uint64) ([][]Head, error) {
	heads := make([][]Head, len(users))
	subjects, where := r.places(users)
	asking := r.asking()
	for len(subjects) > 0 {
		n := min(len(subjects), maxSubjects)
		err := asking.lastOf(ctx, subjects[:n], minSeq, func(s *stored) {
			p := where[s.subject]
			if h, ok := r.headOf(p.kind, s); ok {
				for _, i := range p.users {
					heads[i] = append(heads[i], h)
				}
			}
		})
		if err != nil {
			return nil, err
		}
		subjects = subjects[n:]
	}
	return heads, nil
}

// place is whose head a subject holds: a user may be asked for twice.
type place struct {
	kind  routing.Kind
	users []int
}

// places are the subjects of users' kinds, each once, and whose head each holds.
func (r *Reader) places(users []User) (subjects []string, where map[string]place) {
	where = map[string]place{}
	for i, u := range users {
		for _, kind := range r.catalog.Kinds(u.Tenant) {
			s := routing.InboxSubject(u.Tenant, u.User, kind)
			p, known := where[s]
			if !known {
				p.kind, _ = r.catalog.Kind(u.Tenant, kind)
				subjects = append(subjects, s)
			}
			p.users = append(p.users, i)
			where[s] = p
		}
	}
	return subjects, where
}

// headOf reads a head. A message that the publisher did not write still
// counts where the sequence is the version: devices must not be told that
// the head went back.
func (r *Reader) headOf(k routing.Kind, s *stored) (Head, bool) {
	e, err := s.event()
	switch {
	case err == nil && e.Backend == k.Backend:
		return Head{Kind: k.Name, Version: e.Version, Sequence: s.seq}, true
	case !k.Backend:
		r.metrics.foreign.Inc()
		return Head{Kind: k.Name, Version: int64(s.seq), Sequence: s.seq}, true
	default:
		r.metrics.foreign.Inc()
		return Head{}, false
	}
}

// lastOf calls f once with the newest message of each subject that has one.
func (r *asking) lastOf(ctx context.Context, subjects []string, minSeq uint64, f func(*stored)) error {
	var from uint64
	for {
		b, err := r.lastBatch(ctx, subjects, from, minSeq)
		if errors.Is(err, errNothing) && from > 0 {
			return nil
		}
		if errors.Is(err, errNothing) {
			return r.lastFromLeader(ctx, subjects, minSeq, f)
		}
		if err != nil {
			return err
		}
		for i := range b.msgs {
			f(&b.msgs[i])
		}
		if b.pending == 0 || len(b.msgs) == 0 {
			return nil
		}
		// Newer messages may have come meanwhile and then appear twice: a
		// subject's later one has the greater sequence and follows.
		from = b.msgs[len(b.msgs)-1].seq + 1
	}
}

// errNothing: no subject has a message, or the replica lags so far that it
// has seen none.
var errNothing = errors.New("no messages")

func (r *asking) lastBatch(ctx context.Context, subjects []string, from, minSeq uint64) (b batch, err error) {
	req := getRequest{MultiLast: subjects, MaxBytes: headsBytes, Seq: from}
	err = r.retry(ctx, func(ctx context.Context) error {
		if b, err = r.direct(ctx, req, len(subjects)); err != nil {
			return err
		}
		if b.upTo == 0 && len(b.msgs) == 0 {
			return errNothing
		}
		if b.upTo < minSeq {
			r.metrics.stale.Inc()
			return fmt.Errorf("%w: %w", ErrUnavailable, errStale)
		}
		return nil
	})
	return b, err
}

// lastFromLeader is for subjects of which a replica knew none: such an
// answer does not tell how far the replica is.
func (r *asking) lastFromLeader(ctx context.Context, subjects []string, minSeq uint64, f func(*stored)) error {
	if minSeq == 0 {
		return nil
	}
	l := leading{r: r, minSeq: minSeq}
	for _, s := range subjects {
		m, err := l.last(ctx, s)
		if err != nil {
			return err
		}
		if m != nil {
			f(m)
		}
	}
	return nil
}
