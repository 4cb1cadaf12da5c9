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
	anchor   anchor            // what an answer begins with, where end is known
	seen     time.Time         // when the log was last seen to have the message to
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

// anchor is a message that was read: the newest one of a kind of which little else
// was. A busy kind's newest one is soon pushed out by others, and would not show
// whether the log went back.
type anchor struct {
	seq uint64
	mark
}

const (
	// anchorKind is of how many remembered messages a kind is busy.
	anchorKind = routing.MinKeep / 2
	// anchorReach is how many messages before the last one an anchor may be: all
	// from there on are read again each time.
	anchorReach = 256
)

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
	// errOtherLog: where messages were that were read there are others, or none.
	errOtherLog = errors.New("the log does not have what was read last")
	// errBehind: a replica lags by much, or the log went back.
	errBehind = fmt.Errorf("%w: %w", ErrUnavailable, errStale)
)

// begin is from where on the log is asked.
func (t *tailed) begin() uint64 {
	if t.end == (mark{}) {
		return t.to
	}
	return t.anchor.seq
}

// add takes in what the log has from begin on, up to its end.
func (t *tailed) add(msgs []stored, now time.Time) error {
	if t.end != (mark{}) {
		if len(msgs) == 0 || msgs[len(msgs)-1].seq < t.to {
			return t.behind(now)
		}
		if !t.follows(msgs) {
			return errOtherLog
		}
	}
	for i := range msgs {
		if m := &msgs[i]; m.seq > t.to {
			t.keep(m, now)
		}
	}
	if len(msgs) > 0 {
		last := &msgs[len(msgs)-1]
		t.to, t.end, t.seen = last.seq, last.mark(), now
		t.anchor = t.choose(msgs)
	}
	for len(t.order) > 0 && (t.bytes > tailBytes || len(t.order) > tailMessages || now.Sub(t.order[0].read) > tailAge) {
		t.dropOldest()
	}
	return nil
}

// behind judges an answer that ends before the message that was read last.
func (t *tailed) behind(now time.Time) error {
	if now.Sub(t.seen) < tailLag {
		return nil // nothing is new
	}
	return errBehind
}

// follows reports whether an answer is of the log that was read before. It begins
// with the anchor, and has the message that was read last or so many newer ones of
// its kind that they pushed it out.
func (t *tailed) follows(msgs []stored) bool {
	if first := &msgs[0]; first.seq != t.anchor.seq || first.mark() != t.anchor.mark {
		return false
	}
	newer := 0
	for i := range msgs {
		switch m := &msgs[i]; {
		case m.seq == t.to:
			return m.mark() == t.end
		case m.seq > t.to && m.subject == t.end.subject:
			newer++
		}
	}
	return newer >= routing.MinKeep
}

// choose returns the anchor for the next answer; the last message where all of
// the newest are of busy kinds.
func (t *tailed) choose(msgs []stored) anchor {
	for i := len(msgs) - 1; i >= max(0, len(msgs)-anchorReach); i-- {
		if m := &msgs[i]; len(t.kinds[m.subject]) < anchorKind {
			return anchor{m.seq, m.mark()}
		}
	}
	return anchor{t.to, t.end}
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
