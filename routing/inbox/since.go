package inbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
)

// PageBytes is how much of items one page holds by default: it leaves room in
// a frame for the items' numbers and the Response around them.
const PageBytes = wire.MaxPayload - 6<<10

// maxPageItems bounds a page of small items.
const maxPageItems = 512

// itemOverhead is an upper bound of what an item adds beside its data.
const itemOverhead = 24

// ErrBackendNumbered: the tenant's own service answers sync for this kind.
var ErrBackendNumbered = errors.New("the kind is numbered by the backend, whose own service answers sync")

// ErrUnknownKind: the catalog has no such kind.
var ErrUnknownKind = errors.New("the tenant has no such kind")

// Limits bound a page. Zero values are the greatest that fit a frame.
type Limits struct {
	Items int
	Bytes int
	// MinSeq is a sequence of the log that must be visible; 0: none known.
	// KindSeq is one of the user's kind itself, not above MinSeq: a page that
	// reaches it is believed without a second question; 0: none known.
	MinSeq, KindSeq uint64
}

func (l Limits) withDefaults() Limits {
	if l.Items <= 0 || l.Items > maxPageItems {
		l.Items = maxPageItems
	}
	if l.Bytes <= 0 || l.Bytes > PageBytes {
		l.Bytes = PageBytes
	}
	return l
}

// reach is the sequence that a page without more must reach.
func (l Limits) reach() uint64 {
	if l.KindSeq > 0 {
		return l.KindSeq
	}
	return l.MinSeq
}

// Item is an event as a device fetches it.
type Item struct {
	Version int64
	Data    []byte
}

// Page is what a device lacks, oldest first.
type Page struct {
	Items []Item
	// Head is the kind's newest version; 0: there is none.
	Head int64
	// More items follow the last one here.
	More bool
	// SnapshotNeeded: items between since and the first one here may have
	// been pushed out of the log.
	SnapshotNeeded bool
	// ResetToHead: since was ahead of the head.
	ResetToHead bool
}

// Since returns the events of a user's kind after version since, for kinds
// that hawser numbers.
//
// SnapshotNeeded is decided from what is kept. A subject loses its oldest
// message first, so where the message since, or an older one, is still there,
// nothing after it is missing. Where neither is: a device that has something
// (since > 0) missed something; a new device (since 0) may have, unless fewer
// messages are there than are always kept (routing.MinKeep). The answer errs
// towards a snapshot.
func (r *Reader) Since(ctx context.Context, tenant, user, kind string, since int64, l Limits) (Page, error) {
	k, ok := r.catalog.Kind(tenant, kind)
	if !ok {
		return Page{}, ErrUnknownKind
	}
	if k.Backend {
		return Page{}, ErrBackendNumbered
	}
	if since < 0 || since > wire.MaxVersion {
		return Page{}, fmt.Errorf("since %d: %w", since, wire.ErrVersion)
	}
	q := query{r: r.asking(), subject: routing.InboxSubject(tenant, user, kind), kind: k, since: uint64(since), limits: l.withDefaults()}
	p, ok := r.tail.since(ctx, User{tenant, user}, q.subject, q.since, q.limits)
	if ok {
		return p, nil
	}
	err := r.repeat(ctx, func() (err error) {
		p, err = q.run(ctx)
		return err
	})
	return p, err
}

// query is one call of Since.
type query struct {
	// Static.
	r       *asking
	subject string
	kind    routing.Kind
	since   uint64
	limits  Limits

	// aheadAt is when the leader's head was first found below since.
	aheadAt time.Time
}

func (q *query) run(ctx context.Context) (Page, error) {
	b, err := q.next(ctx, max(q.since, 1), q.limits.Items+1, q.limits.Bytes)
	if err != nil {
		return Page{}, err
	}
	var p Page
	kept, first := q.fill(&p, b)
	if first == 0 && b.pending > 0 {
		// The message since alone filled the request's bytes.
		if b, err = q.next(ctx, q.since+1, q.limits.Items+1, q.limits.Bytes); err != nil {
			return Page{}, err
		}
		_, first = q.fill(&p, b)
	}
	if first == 0 {
		return q.nothing(ctx, kept)
	}
	if uint64(p.Head) < max(q.limits.reach(), 1) {
		if err := q.head(ctx, &p); err != nil {
			return Page{}, err
		}
	}
	if !kept {
		p.SnapshotNeeded, err = q.trimmed(ctx, b)
	}
	return p, err
}

// next reads messages of the subject from a sequence on.
func (q *query) next(ctx context.Context, from uint64, n, bytes int) (b batch, err error) {
	req := getRequest{NextFor: q.subject, Seq: from, Batch: n, MaxBytes: bytes}
	err = q.r.retry(ctx, func(ctx context.Context) error {
		b, err = q.r.direct(ctx, req, n)
		return err
	})
	return b, err
}

// fill puts the messages after since into the page. kept tells whether the
// message since itself is still there; first is the sequence of the first
// message after it, or 0.
func (q *query) fill(p *Page, b batch) (kept bool, first uint64) {
	size := 0
	last := uint64(0)
	for i := range b.msgs {
		m := &b.msgs[i]
		if m.seq <= q.since {
			kept = true
			continue
		}
		if first == 0 {
			first = m.seq
		}
		size += len(m.data) + itemOverhead
		if len(p.Items) == q.limits.Items || (size > q.limits.Bytes && len(p.Items) > 0) {
			p.More = true
			return kept, first
		}
		last = m.seq
		q.add(p, m)
	}
	p.More = b.pending > 0
	if !p.More {
		p.Head = int64(last)
	}
	return kept, first
}

// add appends a message's item. One that the publisher did not write takes
// its place as an empty item: the numbers must not have a hole that looks
// like a loss.
func (q *query) add(p *Page, m *stored) {
	e, err := m.event()
	if err != nil || e.Backend {
		q.r.metrics.foreign.Inc()
		e = routing.Event{}
	}
	p.Items = append(p.Items, Item{Version: int64(m.seq), Data: e.Item})
}

// nothing answers where a replica has nothing after since: the device is up
// to date, or ahead of the head, or the replica lags. The leader decides the
// latter two.
func (q *query) nothing(ctx context.Context, kept bool) (Page, error) {
	if kept && q.limits.MinSeq == 0 {
		return Page{Head: int64(q.since)}, nil
	}
	var p Page
	if err := q.head(ctx, &p); err != nil {
		return Page{}, err
	}
	if uint64(p.Head) == q.since {
		return p, nil
	}
	return q.ahead(ctx)
}

// A device is told that its version is ahead of the head only after the leader
// said so for aheadConfirmed, and for aheadOfLog where its log ends before that
// version: a replica that delivers an event may apply it before the leader
// does.
const (
	aheadConfirmed = 300 * time.Millisecond
	aheadOfLog     = time.Second
)

// ahead asks the leader. Where it knows more than the replica did, or has not
// been heard for long enough, the whole query is run again.
func (q *query) ahead(ctx context.Context) (Page, error) {
	last, m, err := q.r.leaderView(ctx, q.subject)
	if err != nil {
		return Page{}, err
	}
	var p Page
	if m != nil {
		p.Head = int64(m.seq)
	}
	if uint64(p.Head) == q.since {
		return p, nil
	}
	if uint64(p.Head) > q.since || !q.surelyAhead(last, time.Now()) {
		q.r.metrics.stale.Inc()
		return Page{}, fmt.Errorf("%w: %w", ErrUnavailable, errStale)
	}
	p.ResetToHead = true
	return p, nil
}

// surelyAhead is asked each time that the leader's head is below since, while
// the leader's log ends at last.
func (q *query) surelyAhead(last uint64, now time.Time) bool {
	if q.aheadAt.IsZero() {
		q.aheadAt = now
	}
	if last < q.since {
		return now.Sub(q.aheadAt) >= aheadOfLog
	}
	return now.Sub(q.aheadAt) >= aheadConfirmed
}

// head asks for the newest version.
func (q *query) head(ctx context.Context, p *Page) error {
	return q.r.lastOf(ctx, []string{q.subject}, q.limits.MinSeq, func(s *stored) {
		p.Head = max(p.Head, int64(s.seq))
		if n := len(p.Items); n > 0 && p.Head > p.Items[n-1].Version {
			p.More = true
		}
	})
}

// trimmed reports whether messages between since and the first of b may have
// been lost.
//
// The replica that names the oldest message may lag behind the one that
// answered with b, and still have what that one has lost. So one replica must
// have an older message as well as the first of b, and nothing between since
// and that one.
func (q *query) trimmed(ctx context.Context, b batch) (bool, error) {
	if q.since == 0 {
		return b.msgs[0].pending+1 >= routing.MinKeep, nil
	}
	oldest, err := q.next(ctx, 1, 1, 1)
	if err != nil || len(oldest.msgs) == 0 || oldest.msgs[0].seq > q.since {
		return true, err
	}
	const many = 256
	all, err := q.next(ctx, 1, many, findBytes)
	if err != nil {
		return true, err
	}
	older := slices.ContainsFunc(all.msgs, func(m stored) bool { return m.seq <= q.since })
	after := slices.IndexFunc(all.msgs, func(m stored) bool { return m.seq > q.since })
	return !older || after < 0 || all.msgs[after].seq != b.msgs[0].seq, nil
}
