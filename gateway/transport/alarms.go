package transport

import (
	"sync"
	"time"
	"weak"
)

const (
	// alarmTick is the step of alarms: a read deadline passes up to two of them
	// late.
	alarmTick = 100 * time.Millisecond
	// alarmSlots is how many steps are kept apart. What is due later is looked
	// at when they are over, and put in again.
	alarmSlots = 1024
	// alarmNear is what is left to the stream itself, which is exact.
	alarmNear = time.Second
)

// alarms sees to the read deadlines of a listener's connections. quic-go makes
// a timer for each Read that has a deadline; one that is idle for half an hour
// would keep a quarter of a kilobyte for it, and each beat leave as much behind.
//
// It is lazy: a deadline that moves later, as most do, stays where it is until
// it is looked at.
type alarms struct {
	// Static after construction.
	start time.Time     // tick 0
	end   chan struct{} // closed by close
	ended chan struct{} // closed when run has returned

	once sync.Once

	mu    sync.Mutex
	now   int64                             // Guarded by mu: the last tick that was taken out.
	slots [alarmSlots][]weak.Pointer[alarm] // Guarded by mu.
}

// alarm is the read deadline of one connection.
type alarm struct {
	// Static after construction.
	all    *alarms
	stream readDeadliner

	mu  sync.Mutex
	due int64 // Guarded by mu: a tick; 0: none, or left to the stream.
	own bool  // Guarded by mu: the stream has a deadline.

	at int64 // Guarded by all.mu: the tick of the entry that counts; 0: none.
}

type readDeadliner interface{ SetReadDeadline(time.Time) error }

// newAlarms returns alarms that are looked at until close.
func newAlarms() *alarms {
	a := &alarms{start: time.Now(), end: make(chan struct{}), ended: make(chan struct{})}
	go a.run()
	return a
}

func (a *alarms) close() {
	a.once.Do(func() {
		close(a.end)
		<-a.ended
	})
}

// set makes t the deadline. Zero: none.
func (m *alarm) set(t time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !t.IsZero() && time.Until(t) > alarmNear {
		m.due = m.all.tick(t)
		m.all.add(m, m.due)
		t = time.Time{}
	} else {
		m.due = 0
	}
	if t.IsZero() && !m.own {
		return nil
	}
	m.own = !t.IsZero()
	return m.stream.SetReadDeadline(t)
}

// look rings the alarm if it is due, or has it looked at again.
func (m *alarm) look(now int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.due == 0:
	case m.due > now:
		m.all.add(m, m.due)
	default:
		m.due, m.own = 0, true
		_ = m.stream.SetReadDeadline(m.all.start) // long passed
	}
}

// tick is the first one at which t has passed.
func (a *alarms) tick(t time.Time) int64 { return int64(t.Sub(a.start)/alarmTick) + 1 }

// add has the alarm looked at when due is taken out, or earlier. The caller
// holds the alarm's mu.
func (a *alarms) add(m *alarm, due int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if m.at != 0 && m.at <= due {
		return
	}
	m.at = min(max(due, a.now+1), a.now+alarmSlots-1)
	slot := &a.slots[m.at%alarmSlots]
	*slot = append(*slot, weak.Make(m))
}

func (a *alarms) run() {
	defer close(a.ended)
	ticker := time.NewTicker(alarmTick)
	defer ticker.Stop()
	for {
		select {
		case <-a.end:
			return
		case <-ticker.C:
			a.turn(time.Now())
		}
	}
}

// turn looks at what is due at now. It must not be called twice at once.
func (a *alarms) turn(now time.Time) {
	for {
		alarms, tick, ok := a.next(now)
		if !ok {
			return
		}
		for _, m := range alarms {
			m.look(tick)
		}
	}
}

// next takes out the next tick that has passed.
func (a *alarms) next(now time.Time) (due []*alarm, tick int64, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now.Sub(a.start) < time.Duration(a.now+1)*alarmTick {
		return nil, 0, false
	}
	a.now++
	slot := &a.slots[a.now%alarmSlots]
	for _, w := range *slot {
		// An entry is out of date once the alarm has an earlier one.
		if m := w.Value(); m != nil && m.at == a.now {
			m.at = 0
			due = append(due, m)
		}
	}
	*slot = nil
	return due, a.now, true
}
