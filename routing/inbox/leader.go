package inbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/jsapi"
)

// Last returns the newest event of a user's kind from the stream's leader;
// ok is false where there is none.
func (r *Reader) Last(ctx context.Context, tenant, user, kind string) (e routing.Event, ok bool, err error) {
	s, err := r.asking().leader(ctx, jsapi.Query{Last: routing.InboxSubject(tenant, user, kind)})
	if err != nil || s == nil {
		return routing.Event{}, false, err
	}
	e, err = s.event()
	return e, err == nil, err
}

// At returns the event with a sequence from the stream's leader; ok is false
// where it is no longer kept.
func (r *Reader) At(ctx context.Context, seq uint64) (e routing.Event, ok bool, err error) {
	s, err := r.asking().leader(ctx, jsapi.Query{Sequence: seq})
	if err != nil || s == nil {
		return routing.Event{}, false, err
	}
	e, err = s.event()
	return e, err == nil, err
}

// findBytes bounds what one request of Find brings.
const findBytes = 1 << 20

// Find returns the event that was published with an id, if it is still kept.
// The kind's head is known to have sequence head: a replica that lags behind
// it is not believed.
//
// It reads what is kept of the subject. A probe by a message that names a
// wrong Nats-Expected-Last-Msg-Id would be cheaper, but stops every replica
// of a replicated stream for good (nats-server 2.15.2): never send that
// header.
func (r *Reader) Find(ctx context.Context, tenant, user, kind, id string, head uint64) (routing.Event, bool, error) {
	const many = 256
	req := getRequest{NextFor: routing.InboxSubject(tenant, user, kind), Seq: 1, Batch: many, MaxBytes: findBytes}
	asking := r.asking()
	for {
		var b batch
		err := asking.retry(ctx, func(ctx context.Context) (err error) {
			if b, err = r.direct(ctx, req, many); err != nil {
				return err
			}
			if b.pending == 0 && b.last() < head {
				r.metrics.stale.Inc()
				return fmt.Errorf("%w: %w", ErrUnavailable, errStale)
			}
			return nil
		})
		if err != nil {
			return routing.Event{}, false, err
		}
		for i := range b.msgs {
			if e, err := b.msgs[i].event(); err == nil && e.ID == id {
				return e, true, nil
			}
		}
		if b.pending == 0 {
			return routing.Event{}, false, nil
		}
		req.Seq = b.last() + 1
	}
}

func (s *stored) event() (routing.Event, error) {
	return routing.ParseEvent(s.subject, s.header, s.data, s.seq, s.at)
}

// leader reads one message from the stream's leader; nil: there is none.
func (r *asking) leader(ctx context.Context, q jsapi.Query) (found *stored, err error) {
	err = r.retry(ctx, func(ctx context.Context) error {
		road, err := r.road()
		if err == nil {
			found, err = leaderOver(ctx, road, q)
		}
		return err
	})
	return found, err
}

func leaderOver(ctx context.Context, road *road, q jsapi.Query) (*stored, error) {
	m, err := jsapi.Get(ctx, road.nc, routing.StreamInbox, q)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return nil, nil
	case err != nil:
		return nil, unavailable(err)
	}
	return &stored{subject: m.Subject, header: m.Header, data: m.Data, seq: m.Sequence, at: m.At}, nil
}

// leading asks the leader that has the log up to minSeq. All goes over the road
// on which that one answered: another server may still take itself for the
// leader, and has seen nothing of what came since.
type leading struct {
	// Static.
	r      *asking
	minSeq uint64

	road *road // nil: none has answered
	at   time.Time
}

// leadingFor is how long a leader that is sure to be one stays it: leadsFor and
// this are less than what the others wait before they elect.
const leadingFor = time.Second

// last is a subject's newest message; nil: there is none.
func (l *leading) last(ctx context.Context, subject string) (newest *stored, err error) {
	err = l.r.retry(ctx, func(ctx context.Context) (err error) {
		if err = l.find(ctx); err != nil {
			return err
		}
		if newest, err = leaderOver(ctx, l.road, jsapi.Query{Last: subject}); err != nil {
			l.road = nil
		}
		return err
	})
	return newest, err
}

func (l *leading) find(ctx context.Context) error {
	if l.road != nil && time.Since(l.at) < leadingFor {
		return nil
	}
	l.road, l.at = nil, time.Now()
	road, err := l.r.road()
	if err != nil {
		return err
	}
	last, err := l.r.lastOver(ctx, road)
	if err != nil {
		return err
	}
	if last < l.minSeq {
		l.r.metrics.stale.Inc()
		return fmt.Errorf("%w: its leader is at %d, below %d", ErrUnavailable, last, l.minSeq)
	}
	l.road = road
	return nil
}

// leaderView is a subject's newest message, nil where there is none, and the
// stream's last sequence of just before, both as the same leader knows them.
func (r *asking) leaderView(ctx context.Context, subject string) (last uint64, newest *stored, err error) {
	err = r.retry(ctx, func(ctx context.Context) error {
		// Over one road: another server may still take itself for the leader.
		road, err := r.road()
		if err == nil {
			last, err = r.lastOver(ctx, road)
		}
		if err == nil {
			newest, err = leaderOver(ctx, road, jsapi.Query{Last: subject})
		}
		return err
	})
	return last, newest, err
}

func (r *Reader) lastOver(ctx context.Context, road *road) (uint64, error) {
	var answer struct {
		State struct {
			LastSeq uint64 `json:"last_seq"`
		} `json:"state"`
		Cluster *cluster `json:"cluster"`
	}
	if err := jsapi.Ask(ctx, road.nc, "STREAM.INFO."+routing.StreamInbox, struct{}{}, &answer); err != nil {
		return 0, unavailable(err)
	}
	if !answer.Cluster.leads() {
		r.metrics.stale.Inc()
		return 0, fmt.Errorf("%w: %w", ErrUnavailable, errCutOff)
	}
	return answer.State.LastSeq, nil
}

// errCutOff is the answer of a leader that may not lead any more.
var errCutOff = errors.New("the leader that answered has not heard from most of the replicas")

// leadsFor is how lately a leader must have heard from a majority. One that is cut
// off goes on answering as the leader for 10 s, from a log that has ended; the
// others elect in its place 4 s after they heard from it at the earliest.
const leadsFor = 2500 * time.Millisecond

// cluster is what a stream's leader says of its replicas; nil: there are none.
type cluster struct {
	Replicas []struct {
		// Active is since when the leader has not heard from it, in nanoseconds;
		// 0: it never has.
		Active time.Duration `json:"active"`
	} `json:"replicas"`
}

// leads reports whether no other replica can have been elected by now.
func (c *cluster) leads() bool {
	if c == nil {
		return true
	}
	heard := 1 // the leader itself
	for _, r := range c.Replicas {
		if r.Active > 0 && r.Active < leadsFor {
			heard++
		}
	}
	return 2*heard > len(c.Replicas)+1
}

// unavailable is ErrUnavailable where it helps to ask again: nothing was answered,
// or JetStream has no leader for the moment.
func unavailable(err error) error {
	var refusal *jetstream.APIError
	refused := errors.As(err, &refusal) && refusal.Code != http.StatusServiceUnavailable
	if refused || errors.Is(err, nats.ErrConnectionClosed) {
		return fmt.Errorf("inbox: %w", err)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
