package transport

// turns bounds how many handshakes compute at once: live connections go first
// to the other processors. Those that wait for their clients hold none.
type turns chan struct{}

func newTurns(n int) turns { return make(turns, n) }

// turn is a handshake's share in turns. It is used by one goroutine. Nil has
// no bounds.
type turn struct {
	of   turns
	held bool
}

func (t *turn) take() {
	if t != nil && !t.held {
		t.of <- struct{}{}
		t.held = true
	}
}

func (t *turn) rest() {
	if t != nil && t.held {
		<-t.of
		t.held = false
	}
}
