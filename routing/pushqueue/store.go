package pushqueue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/routing/jsapi"
)

// ErrBusy is given to done when MaxInFlight jobs are being stored already:
// NATS is slow or away. Keep the event and try again.
var ErrBusy = errors.New("too many push jobs are being stored")

// ErrClosed is given to done after Close.
var ErrClosed = errors.New("the store of push jobs is closed")

const (
	// MaxInFlight bounds the jobs that are being stored at once.
	MaxInFlight = 1024
	// putPatience is how long a job is tried to be stored. The election of a
	// stream's leader takes 4 to 9 s.
	putPatience = 20 * time.Second
	// putAttempt bounds one try.
	putAttempt = 2 * time.Second
)

// Store writes and removes jobs. Its methods may be called from any number
// of goroutines.
type Store struct {
	// Static after construction.
	js     jetstream.JetStream
	places chan struct{}
	room   room
	ctx    context.Context // ends with Close
	stop   context.CancelFunc

	mu sync.Mutex
	// Guarded by mu.
	closed bool
	puts   sync.WaitGroup
}

// NewStore returns a store. It asks nothing of NATS yet. While low is true the
// stream's room is left to jobs that wait already; it must not block, and nil is
// never. Close the store.
func NewStore(js jetstream.JetStream, low func() bool) *Store {
	ctx, stop := context.WithCancel(context.Background())
	return &Store{js: js, places: make(chan struct{}, MaxInFlight), room: room{began: time.Now(), low: low}, ctx: ctx, stop: stop}
}

// Close ends the puts that are under way, with an error to their done, and
// waits for them.
func (s *Store) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.puts.Wait()
}

// Put stores a job and returns at once. done is called once: with nil when a
// majority has this job or one for a newer version; with ErrBusy, before Put
// returns, when too many are under way; with ErrFull, some seconds later, when
// there is no room; with another error when the job could not be stored within
// 20 s or is not one (ErrJob). Except for ErrBusy, ErrClosed and ErrJob it is
// called from another goroutine.
func (s *Store) Put(j Job, done func(error)) {
	if err := j.check(); err != nil {
		done(err)
		return
	}
	if err := s.enter(); err != nil {
		done(err)
		return
	}
	go func() {
		err := s.put(j)
		<-s.places
		done(err)
		s.puts.Done()
	}()
}

func (s *Store) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	select {
	case s.places <- struct{}{}:
		s.puts.Add(1)
		return nil
	default:
		return ErrBusy
	}
}

// put writes on the condition that no job waits, which is nearly always so
// and costs no look. Where one waits it is looked at: only an older one is
// replaced, where it stands, or one that would be held for longer than these
// news may be. Were jobs of two routers stored in whatever order
// they come, the newer one could be lost, and with it the news. Where there is no
// room for a new one, one that waits may be replaced all the same.
func (s *Store) put(j Job) error {
	ctx, cancel := context.WithTimeout(s.ctx, putPatience)
	defer cancel()
	write, at, expect := j, j.subject(time.Now()), uint64(0)
	looked := false
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		err := s.write(ctx, write, at, expect)
		full := errors.Is(err, ErrFull)
		switch {
		case err == nil:
			return nil
		case full && looked:
			awaitRoom(ctx)
			return fmt.Errorf("store push job: %w", err)
		case full, jsapi.WrongSequence(err):
		case !sleep.For(ctx, wait/2+rand.N(wait)):
			return fmt.Errorf("store push job: %w", err)
		}
		waiting, m, err := s.last(ctx, j.slot())
		looked = err == nil
		switch {
		case err != nil:
			// Tried as before; the write tells whether that was right.
		case m.Sequence != 0 && waiting.Version >= j.Version && !j.advances(waiting, time.Now()):
			return nil
		case m.Sequence == 0:
			write, at, expect = j, j.subject(time.Now()), 0
		default:
			write, at, expect = j.with(waiting, time.Now()), m.Subject, m.Sequence
		}
		if ctx.Err() != nil || !sleep.For(ctx, rand.N(wait)) {
			return fmt.Errorf("store push job: %w", ctx.Err())
		}
	}
}

// last returns the job that waits; the sequence of its message is 0 if none does.
// One that is not readable counts as the oldest.
func (s *Store) last(ctx context.Context, slot string) (Job, jsapi.Message, error) {
	m, err := newest(ctx, s.js.Conn(), slot)
	if err != nil || m.Sequence == 0 {
		return Job{}, m, err
	}
	j, err := Parse(m.Subject, m.Data)
	if err != nil {
		return Job{EventAt: m.At}, m, nil
	}
	return j, m, nil
}
