package pushtest

import (
	"context"
	"sync"
	"time"
)

// script is what a simulator was told to do wrong. It is embedded in both.
type script struct {
	// Guarded by mu.
	mu        sync.Mutex
	replies   []Reply
	perToken  map[string]Reply
	pace      Pace
	flying    Flight // requests under way
	lost      Flight // requests whose clients went away
	blackHole bool
	released  chan struct{} // closed when the black hole ends
}

func newScript() script {
	return script{perToken: map[string]Reply{}, released: make(chan struct{})}
}

// Answer prepares the next answers, one a request, whatever its token. Checks
// of the request itself come first.
func (s *script) Answer(replies ...Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replies = append(s.replies, replies...)
}

// AnswerToken answers every request for a token so, until ForgetToken.
func (s *script) AnswerToken(token string, r Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.perToken[token] = r
}

// ForgetToken makes a token valid again.
func (s *script) ForgetToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.perToken, token)
}

// Delay makes every request wait. 0: none.
func (s *script) Delay(d time.Duration) {
	s.SetPace(Pace{Accept: func() time.Duration { return d }})
}

// BlackHole makes the simulator take requests and never answer them, until it
// is called with false: those that still wait are then answered.
func (s *script) BlackHole(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blackHole && !on {
		close(s.released)
		s.released = make(chan struct{})
	}
	s.blackHole = on
}

// hold waits as scripted before a request is looked at. It returns an error if
// the request or the simulator ended meanwhile.
func (s *script) hold(ctx context.Context, closing <-chan struct{}) error {
	s.mu.Lock()
	hole, released := s.blackHole, s.released
	s.mu.Unlock()
	if hole {
		select {
		case <-released:
		case <-closing:
			return context.Canceled
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return s.decide(ctx, closing)
}

// next returns the scripted reply to a request; the zero Reply takes it.
func (s *script) next(token string) Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.perToken[token]; ok {
		return r
	}
	if len(s.replies) == 0 {
		return Reply{}
	}
	r := s.replies[0]
	s.replies = s.replies[1:]
	return r
}
