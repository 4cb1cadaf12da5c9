package edgelink

import "time"

// resyncStep is how often it is looked whether a resync is over that takes
// longer than Timing.Settle.
const resyncStep = 50 * time.Millisecond

// waiting is a session that waits until need is echoed.
type waiting struct{ conn, need uint64 }

// verifier moves sessions from "told" over "echoed" to "to be asked for". It
// does no I/O; the link's mu guards it.
type verifier struct {
	timing Timing
	// waits is in the order of need.
	waits fifo[waiting]
	// ready are echoed sessions, to be asked for.
	ready fifo[uint64]
	// settled is the time before which nothing is verified.
	settled time.Time
	// wanted: all sessions are to be verified anew.
	wanted bool
	sweep  sweep
	// moved is when a session last became ready, or none waited.
	moved time.Time
	// generation counts resyncs: what was asked for before one is asked for
	// again after it in any case.
	generation uint64
}

// sweep goes over all sessions once.
type sweep struct {
	order   []uint64
	next    int
	started time.Time
	span    time.Duration
}

func (s *sweep) running() bool { return s.next < len(s.order) }

// restart begins the verification of everything after NATS was away.
func (v *verifier) restart(now time.Time) {
	v.waits.clear()
	v.ready.clear()
	v.sweep = sweep{}
	v.settled = now.Add(v.timing.Settle)
	v.wanted, v.moved = true, now
	v.generation++
}

// wait queues a session behind the batch that it needs echoed.
func (v *verifier) wait(e *entry, need uint64) {
	if e.queued {
		return
	}
	e.queued = true
	v.waits.push(waiting{e.conn, need})
}

// advance does what is due. It returns how many sessions are ready and how
// long until there is more to do; 0: not before something happens.
func (v *verifier) advance(t *table, p *presence, now time.Time) (ready int, again time.Duration) {
	if d := v.settled.Sub(now); d > 0 {
		return 0, d
	}
	if t.resyncing {
		return 0, resyncStep
	}
	if v.wanted {
		v.wanted = false
		v.start(t, now)
	}
	v.release(t, now)
	if seq, ok := p.echoed(now); ok {
		for v.waits.len() > 0 && v.waits.front().need <= seq {
			v.ready.push(v.waits.pop().conn)
			v.moved = now
		}
	}
	if v.waits.len() == 0 {
		v.moved = now
	}
	if v.sweep.running() {
		again = 50 * time.Millisecond
	}
	return v.ready.len(), again
}

// stuck returns the routers whose echo sessions have been waiting for, longer
// than stuckAfter; it says so once in that time.
func (v *verifier) stuck(p *presence, now time.Time) []string {
	if v.waits.len() == 0 {
		v.moved = now // whoever comes next has not waited yet
	}
	if now.Sub(v.moved) < stuckAfter {
		return nil
	}
	v.moved = now
	return p.behind(v.waits.front().need, now)
}

// start begins a sweep over all sessions. One that is under way goes on
// first, and what it has done is appended: were it begun anew each time,
// routers that come one after the other would keep its end waiting for ever. A
// resync that comes in a pause has all sessions verified anew, and no flag of
// this sweep may outlive it: none is swept that is taken for swept already.
func (v *verifier) start(t *table, now time.Time) {
	resyncs := t.resyncs
	order := make([]uint64, 0, len(t.sessions))
	order = append(order, v.sweep.order[v.sweep.next:]...)
	t.each(func(conn uint64, e *entry) {
		if t.resyncs != resyncs {
			return
		}
		if !e.gone {
			t.doubt(e)
		}
		if !e.sweeping {
			e.sweeping = true
			order = append(order, conn)
		}
	})
	if t.resyncs != resyncs {
		return
	}
	// The routers that count are not the ones that let these through.
	for v.ready.len() > 0 {
		v.waits.push(waiting{v.ready.pop(), t.seq})
	}
	span := time.Duration(len(order)) * time.Second / sweepFloor
	v.sweep = sweep{order: order, started: now, span: min(span, v.timing.Window)}
}

// release queues the sessions that the sweep has reached by now.
func (v *verifier) release(t *table, now time.Time) {
	s := &v.sweep
	if !s.running() {
		return
	}
	due := len(s.order)
	if elapsed := now.Sub(s.started); elapsed < s.span {
		due = 1 + int(float64(len(s.order))*float64(elapsed)/float64(s.span))
	}
	for ; s.next < min(due, len(s.order)); s.next++ {
		e := t.live(s.order[s.next])
		if e == nil || !e.sweeping {
			continue
		}
		e.sweeping = false
		// A session that was not told yet queues when its batch is cut.
		if e.need != 0 {
			v.wait(e, t.seq)
		}
	}
	if !s.running() {
		*s = sweep{}
	}
}

// take returns up to n sessions to ask for, and the generation. The running
// sweep need not reach them: what is asked for now is as new.
func (v *verifier) take(t *table, n int) ([]Session, uint64) {
	var out []Session
	for v.ready.len() > 0 && len(out) < n {
		if e := t.live(v.ready.pop()); e != nil {
			e.queued, e.sweeping = false, false
			out = append(out, e.session())
		}
	}
	return out, v.generation
}
