package session

import (
	"slices"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
)

// news is what a router has told of: see Hub.Notify.
type news struct {
	router, kind      string
	version, previous int64
	calm              bool // see Hub.NotifyCalm
}

// tell is Hub.Notify for this session. As long as there is little to tell, and
// the connection is one that never blocks, its caller writes, too: to wake
// somebody for it costs nearly as much again.
func (s *session) tell(n news) Answer {
	now := s.now()
	mine := s.parks && s.serving.srv.alone.may(now)
	a, write := s.notify(now, mine, n)
	if write {
		s.write()
	}
	return a
}

// notify takes up a version. Where the turn may be the caller's it reports
// whether the caller has to write.
func (s *session) notify(now time.Duration, mine bool, n news) (a Answer, write bool) {
	s.lock()
	defer s.unlock()
	mine = mine && s.beginTurnLocked()
	a = s.notifyLocked(now, n)
	return a, s.endTurnLocked(mine)
}

func (s *session) notifyLocked(now time.Duration, n news) Answer {
	a := Answer{Conn: s.number, Kind: n.kind, State: Gone, Version: n.version}
	k := s.routerKindLocked(n.kind, n.version)
	if s.closingLocked() || k == nil {
		return a
	}
	waiting := k.pending
	state, write := k.notify(now, n.version, n.previous)
	write = write || state == InFlight && k.again(s.serving.srv.hub.backs.Load())
	if state == InFlight && k.remember(n.router, n.version) {
		s.serving.srv.metrics.asksDropped.Inc()
	}
	switch {
	case write && n.calm && s.mayRideLocked():
		s.out.rides = true
	case write:
		s.out.rides = false
		s.wroteNotifyLocked(waiting)
	case !n.calm && s.out.rides && k.pending: // another router asked calmly before
		s.out.rides = false
		s.kickLocked()
	}
	if s.out.rides && k.pending {
		a.Rides = s.rideLocked()
	}
	a.State, a.Acked, a.Fetching = state, k.acked, s.requests.fetches(n.kind)
	return a
}

// wroteNotifyLocked sees to a notify that became pending; waiting tells
// whether an older one was.
func (s *session) wroteNotifyLocked(waiting bool) {
	if waiting {
		s.serving.srv.metrics.collapsed.Inc()
	}
	s.kickLocked()
}

// heads is Hub.Heads for this session. It returns answers that have become
// due.
func (s *session) heads(heads []Head) (replies []reply) {
	s.lock()
	defer s.unlock()
	if s.closingLocked() {
		return nil
	}
	for _, h := range heads {
		k := s.headKindLocked(h)
		if k == nil {
			continue
		}
		acked, waiting := k.acked, k.pending
		if k.head(h.Version) || k.again(s.serving.srv.hub.backs.Load()) {
			s.wroteNotifyLocked(waiting)
		}
		if k.acked > acked {
			replies = k.answers(replies, s.number)
		}
	}
	return replies
}

// headKindLocked is routerKindLocked for a head, which may be 0: the kind's
// log is empty. No frame can say that; but the claim of a device that has more
// is refuted by it.
func (s *session) headKindLocked(h Head) *kindState {
	if h.Version == 0 {
		return s.kindLocked(h.Kind)
	}
	return s.routerKindLocked(h.Kind, h.Version)
}

// acks takes up what the device says it has.
func (s *session) acks(versions []wire.KindVersion) *ending {
	var room [maxAsks]reply // mostly there is one, and it needs no memory of its own
	replies := room[:0]
	defer func() { s.serving.srv.answer(replies) }()
	s.lock()
	defer s.unlock()
	for _, v := range versions {
		name, err := s.profile.kinds.Name(v.Kind)
		if err != nil {
			return endMalformed.with(err.Error())
		}
		k := s.deviceKindLocked(name)
		if k == nil {
			continue
		}
		if k.ack(s.now(), v.Version) {
			replies = k.answers(replies, s.number)
		}
	}
	return nil
}

// routerKindLocked returns the state of a kind that a router names, nil if it
// cannot be told to a device. A router may know a kind that this edge's
// configuration does not have yet.
func (s *session) routerKindLocked(name string, version int64) *kindState {
	if wire.CheckVersion(version) != nil {
		return nil
	}
	if k := s.kindLocked(name); k != nil {
		return k
	}
	if len(s.states) >= 2*wire.MaxKinds || !wire.ValidID(name) {
		return nil
	}
	return s.newKindLocked(name)
}

// deviceKindLocked returns the state of a kind that the device names, nil if
// the tenant has no such kind: what a device makes up takes no memory.
func (s *session) deviceKindLocked(name string) *kindState {
	if k := s.kindLocked(name); k != nil {
		return k
	}
	i := slices.Index(s.profile.kinds, name)
	if i < 0 {
		s.serving.srv.metrics.acksIgnored.Inc()
		return nil
	}
	// The tenant's own string lives anyway; the frame's would be kept alive.
	return s.newKindLocked(s.profile.kinds[i])
}

func (s *session) kindLocked(name string) *kindState {
	for i := range s.states {
		if s.states[i].name == name {
			return &s.states[i]
		}
	}
	return nil
}

func (s *session) newKindLocked(name string) *kindState {
	s.states = append(s.states, kindState{name: name})
	return &s.states[len(s.states)-1]
}
