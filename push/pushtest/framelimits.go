package pushtest

import "sync"

// streamLimit is how many streams a peer may have. A lower limit binds it only
// once it has acknowledged the settings that say so.
type streamLimit struct {
	enforced int
	pending  []int // announced, not acknowledged
}

// maxUnanswered bounds the settings that a peer may leave unacknowledged.
const maxUnanswered = 1000

func (l *streamLimit) announce(n int) {
	l.enforced = max(l.enforced, n)
	if len(l.pending) < maxUnanswered {
		l.pending = append(l.pending, n)
	}
}

func (l *streamLimit) acknowledged() {
	if len(l.pending) == 0 {
		return
	}
	l.enforced, l.pending = l.pending[0], l.pending[1:]
	for _, n := range l.pending {
		l.enforced = max(l.enforced, n)
	}
}

// windows are the peer's: how much of a body it takes.
type windows struct {
	connection int64
	initial    int64 // of a new stream
	shift      int64 // what later settings added to every stream
	moved      *sync.Cond
}
