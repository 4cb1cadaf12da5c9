package inbox

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hawser-edge/hawser/routing"
)

// tailed is what a tail remembers: of each user's kind the newest messages after
// from, up to to, routing.MinKeep at most, for tailAge. It has no clock and does no
// I/O.
type tailed struct {
	from, to uint64
	end      mark              // of the message to; zero: not known
	seen     time.Time         // when the log was last seen to have it
	kinds    map[string][]kept // by subject, oldest first, none empty
	order    []placed          // all of them, oldest first
	bytes    int
}

// kept is a message.
type kept struct {
	seq  uint64
	item []byte
}

// placed says where a message is kept.
type placed struct {
	subject string
	seq     uint64
	size    int
	read    time.Time
}

// mark tells a message from another one that has its sequence.
type mark struct {
	subject string
	at      time.Time
}

func newTailed(at uint64) tailed {
	return tailed{from: at, to: at, kinds: make(map[string][]kept)}
}

const (
	// tailAge is how long a message is remembered, from when it was read.
	tailAge = 5 * time.Minute
	// tailLag is for how long a replica may lack the message that was read last,
	// for it lags behind another. No log goes back so fast: its servers have to
	// die and start first.
	tailLag = 500 * time.Millisecond
)

var (
	// errOtherLog: where the message to was there is another one, or none.
	errOtherLog = errors.New("the log does not have the message that was read last")
	// errBehind: a replica lags by much, or the log went back.
	errBehind = fmt.Errorf("%w: %w", ErrUnavailable, errStale)
)

// add takes in what the log has from to on, up to its end.
func (t *tailed) add(msgs []stored, now time.Time) error {
	switch known := t.end != (mark{}); {
	case known && len(msgs) == 0 && now.Sub(t.seen) < tailLag: // nothing is new
	case known && len(msgs) == 0:
		return errBehind
	case known && (msgs[0].seq != t.to || msgs[0].mark() != t.end):
		return errOtherLog
	}
	for i := range msgs {
		if m := &msgs[i]; m.seq > t.to {
			t.keep(m, now)
		}
	}
	if len(msgs) > 0 {
		last := &msgs[len(msgs)-1]
		t.to, t.end, t.seen = last.seq, last.mark(), now
	}
	for len(t.order) > 0 && (t.bytes > tailBytes || len(t.order) > tailMessages || now.Sub(t.order[0].read) > tailAge) {
		t.dropOldest()
	}
	return nil
}

// mark is of UTC times, which compare.
func (s *stored) mark() mark { return mark{strings.Clone(s.subject), s.at.UTC()} }

func (t *tailed) keep(m *stored, now time.Time) {
	// One that the publisher did not write takes its place as an empty item, as
	// in query.add.
	e, err := m.event()
	if err != nil || e.Backend {
		e = routing.Event{}
	}
	// Copies: the message's own memory has all its headers too.
	subject, item := strings.Clone(m.subject), bytes.Clone(e.Item)
	size := len(item) + len(subject) + tailOverhead
	t.order = append(t.order, placed{subject, m.seq, size, now})
	t.bytes += size
	of := append(t.kinds[subject], kept{m.seq, item})
	if len(of) > routing.MinKeep {
		of[0] = kept{}
		of = of[1:]
	}
	t.kinds[subject] = of
}

func (t *tailed) dropOldest() {
	old := t.order[0]
	t.order[0] = placed{}
	t.order, t.bytes, t.from = t.order[1:], t.bytes-old.size, old.seq
	of := t.kinds[old.subject]
	switch {
	case len(of) == 0 || of[0].seq != old.seq: // newer ones took its place
	case len(of) == 1:
		delete(t.kinds, old.subject)
	default:
		of[0] = kept{}
		t.kinds[old.subject] = of[1:]
	}
}

// page is what a device lacks after since; ok is false where that is not known.
func (t *tailed) page(subject string, since uint64, l Limits) (p Page, ok bool) {
	of := t.kinds[subject]
	i := slices.IndexFunc(of, func(k kept) bool { return k.seq > since })
	if i < 0 {
		i = len(of)
	}
	newer := of[i:]
	switch {
	case since < t.from || t.to < max(since, l.reach()) || len(newer) >= routing.MinKeep:
		return Page{}, false
	case len(newer) == 0:
		// Nothing is believed to be there only where since is the head.
		return Page{Head: int64(since)}, i > 0 && of[i-1].seq == since && t.to >= l.MinSeq
	}
	p.Head = int64(newer[len(newer)-1].seq)
	size := 0
	for _, k := range newer {
		size += len(k.item) + itemOverhead
		if len(p.Items) == l.Items || (size > l.Bytes && len(p.Items) > 0) {
			p.More = true
			break
		}
		p.Items = append(p.Items, Item{Version: int64(k.seq), Data: k.item})
	}
	return p, true
}
