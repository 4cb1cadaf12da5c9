package pushtest

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Reply is one prepared answer.
type Reply struct {
	// Status of the answer, for instance 503.
	Status int
	// Reason is APNs' reason, or FCM's error code (UNREGISTERED, ...), which
	// the body then carries as the service writes it.
	Reason string
	// RetryAfter is sent as the Retry-After header, in whole seconds, if
	// above 0.
	RetryAfter time.Duration
	// Timestamp goes into the body of a 410 of APNs.
	Timestamp time.Time
	// Raw, if set, is the body as it is, with ContentType.
	Raw         string
	ContentType string
}

// HTML404 is what a proxy or a wrong path answers: it says nothing of a token.
func HTML404() Reply {
	return Reply{Status: http.StatusNotFound, Raw: "<html><title>404</title>not here</html>", ContentType: "text/html"}
}

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
	requests  []Request
	maxSeen   int
	pending   int
}

// Request is one request as it came, accepted or not. At most 20,000 are kept.
type Request struct {
	// Token and ID are what the request named; FCM's have no ID.
	Token, ID string
	// Authorization is the credential, for tests of its refresh.
	Authorization string
	At            time.Time
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

// Requests returns all requests that named a token, refused ones included.
func (s *script) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// MaxConcurrent returns the most requests that were under way at once.
func (s *script) MaxConcurrent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.maxSeen
}

func (s *script) saw(r Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) < maxJournal {
		s.requests = append(s.requests, r)
	}
}

// enter counts a request in; call the result when it ends.
func (s *script) enter() (leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending++
	s.maxSeen = max(s.maxSeen, s.pending)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.pending--
	}
}

// hold waits as scripted. It returns an error if the request or the simulator
// ended meanwhile.
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

// next returns the scripted answer to a request, if there is one.
func (s *script) next(token string) (Reply, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.perToken[token]; ok {
		return r, true
	}
	if len(s.replies) == 0 {
		return Reply{}, false
	}
	r := s.replies[0]
	s.replies = s.replies[1:]
	return r, true
}

// headers writes what every scripted answer may carry and reports whether the
// body was written too.
func (r Reply) headers(w http.ResponseWriter) (complete bool) {
	if r.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(r.RetryAfter/time.Second)))
	}
	if r.Raw == "" {
		return false
	}
	w.Header().Set("Content-Type", r.ContentType)
	w.WriteHeader(r.Status)
	_, _ = w.Write([]byte(r.Raw))
	return true
}
