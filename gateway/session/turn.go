package session

import (
	"io"
	"os"
	"runtime"
	"sync"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
)

// turns reads and handles frames for the sessions of a call of Serve whose own
// goroutines do nothing but wait: such a goroutine gets by with the smallest
// stack there is, which a single frame handled on it would double for good.
type turns struct {
	start   sync.Once
	started bool // Written by start, read when all sessions are gone.
	asked   chan turn
	done    sync.Pool // of chan struct{}, with room for one
	workers sync.WaitGroup
}

// turn is one session's request to be handled.
type turn struct {
	session *session
	done    chan struct{}
}

// take has the session's frames handled and waits for it.
func (t *turns) take(s *session) {
	t.start.Do(t.begin)
	done, _ := t.done.Get().(chan struct{})
	if done == nil {
		done = make(chan struct{}, 1)
	}
	t.asked <- turn{s, done}
	<-done
	t.done.Put(done)
}

func (t *turns) begin() {
	t.started = true
	t.asked = make(chan turn)
	for range runtime.GOMAXPROCS(0) {
		t.workers.Go(func() {
			for asked := range t.asked {
				asked.session.turn()
				asked.done <- struct{}{}
			}
		})
	}
}

// end ends the workers. Nobody takes a turn any more.
func (t *turns) end() {
	if t.started {
		close(t.asked)
		t.workers.Wait()
	}
}

// oneRead makes one Read of a connection and then has nothing yet. That one
// does not wait, behind transport.Trier's Await.
type oneRead struct {
	conn io.Reader
	made bool
}

func (o *oneRead) Read(p []byte) (int, error) {
	if o.made {
		return 0, os.ErrDeadlineExceeded
	}
	o.made = true
	return o.conn.Read(p)
}

// runShared is run where the connection can be waited for without a buffer.
func (s *session) runShared() {
	for !s.reader.Idle() && s.arm() { // something came with Hello
		s.step()
	}
	s.reader = nil
	for s.arm() {
		s.conn.(transport.Trier).Await()
		s.serving.turns.take(s)
	}
}

// turn reads once, and handles what that brought.
func (s *session) turn() {
	readers := &s.serving.srv.readers
	if s.reader == nil {
		s.reader = readers.Get().(*wire.Reader)
		s.once = &oneRead{conn: s.conn}
		s.reader.Reset(s.once, s.cfg().Limits.MaxFrame)
	}
	s.once.made = false
	for s.arm() && s.step() {
	}
	if s.reader.Idle() {
		s.reader.Reset(nil, 0) // the pool is to keep no connection
		readers.Put(s.reader)
		s.reader, s.once = nil, nil
	}
}
