package dispatch

import (
	"slices"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/table"
)

// flow is what is open of one user and kind.
type flow struct {
	// Static after construction.
	user table.UserID
	kind string

	// head is the greatest version known, logged that of a message, push the
	// newest event with a push. Devices are only ever asked for the head.
	head, logged int64
	push         wish
	// hintUntil is set while the head's message is to come, hintUrgency is the
	// greatest of the hints until it does.
	hintUntil   time.Time
	hintUrgency routing.Urgency
	// held are the open messages by version. None but the first is covered by
	// a later one.
	held    []*held
	past    history
	devices []*delivery
	// whole says that a message came, so that devices are all of the user's;
	// else they are those that are reminded.
	whole   bool
	retired bool
	// passed counts the messages acknowledged for later ones since the oldest
	// one came.
	passed int
	// storeAt is before when no more jobs of devices that are new to the flow
	// are stored.
	storeAt time.Time
}

// wish is an event that asked for a push; version 0: there was none.
type wish struct {
	version int64
	at      time.Time
	urgency routing.Urgency
}

// held is a message that is not acknowledged yet. Its Receipt is the newest
// delivery's; nil: see owe and Again.
type held struct {
	Message
	flow    *flow
	done    bool
	aliveAt time.Time
	// hurried: it does not wait for the end of its patience.
	hurried bool
}

// covers reports whether a message makes an older one superfluous: it says
// at least as much, and stays open in the log in its place.
func (h *held) covers(o *held) bool {
	return h.Version > o.Version && (h.Receipt != nil || o.Receipt == nil) && (h.Push || !o.Push) && (!o.Push || h.Urgency >= o.Urgency)
}

func (f *flow) covered(h *held) bool {
	return slices.ContainsFunc(f.held, func(x *held) bool { return x.covers(h) })
}

// older reports whether h is older than everything that is held.
func (f *flow) older(h *held) bool { return len(f.held) > 0 && h.Version < f.held[0].Version }

// replaces reports whether m is held already, or takes the place of one that is.
func (f *flow) replaces(m *Message) bool {
	h := &held{Message: *m}
	return f.same(m.Version) != nil || len(f.held) > 1 && slices.ContainsFunc(f.held[1:], h.covers)
}

// hurried reports whether nobody's patience counts any more.
func (f *flow) hurried() bool {
	return slices.ContainsFunc(f.held, func(h *held) bool { return h.hurried })
}

func (f *flow) same(version int64) *held {
	for _, h := range f.held {
		if h.Version == version {
			return h
		}
	}
	return nil
}

// add holds h and returns the messages that it covers, which are no longer
// held.
func (f *flow) add(h *held) (covered []*held) {
	f.whole = true
	f.head, f.logged = max(f.head, h.Version), max(f.logged, h.Version)
	if h.Push && h.Version > f.push.version {
		f.push = wish{h.Version, h.At, h.Urgency}
	}
	return f.put(h)
}

func (f *flow) put(h *held) (covered []*held) {
	f.past.add(h.Version, h.At, h.Urgency)
	f.insert(h)
	for i := len(f.held) - 1; i > 0; i-- {
		if x := f.held[i]; f.covered(x) {
			covered = append(covered, x)
			f.held = slices.Delete(f.held, i, i+1)
		}
	}
	return covered
}

func (f *flow) insert(h *held) {
	f.held = append(f.held, h)
	slices.SortFunc(f.held, func(a, b *held) int { return int(a.Version - b.Version) })
}

// raise takes over the head that was settled not long ago.
func (f *flow) raise(e *settled) {
	if e != nil {
		f.head, f.logged = max(f.head, e.head), max(f.logged, e.head)
		f.storeAt = e.storeAt
	}
}

// redelivered reports whether another router may have asked the devices.
func (f *flow) redelivered() bool {
	return slices.ContainsFunc(f.held, func(h *held) bool { return h.Redelivered })
}

// newestPush returns the newest held message above v that asks for a push,
// and the highest urgency of all that do.
func (f *flow) newestPush(v int64) (newest *held, u routing.Urgency) {
	for _, h := range f.held {
		if h.Push && h.Version > v {
			newest, u = h, max(u, h.Urgency)
		}
	}
	return newest, u
}

func (f *flow) device(name string) *delivery {
	for _, d := range f.devices {
		if d.device == name {
			return d
		}
	}
	return nil
}
