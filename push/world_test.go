package push

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

var errFake = errors.New("not reachable")

// world is the rest of the system, as far as the worker asks it.
type world struct {
	mu       sync.Mutex
	presence func(Target) PresenceState
	cutOff   bool // nobody can be asked for presence
	record   Record
	apps     map[string]string // devices of others than the record's, to theirs
	tokens   map[string]string // devices with others than the record's, to theirs
	recErr   error
	head     int64
	content  string
	headErr  error
	eventErr error
	keep     bool // DropToken finds another revision
	defaults Defaults
	log      []string // events and removals, in order
	checks   []Target
	looked   int // device records read
}

func newWorld() *world {
	return &world{
		presence: func(Target) PresenceState { return Away },
		record:   Record{Platform: IOS, App: "app", Token: "token", RegisteredAt: time.Now().Add(-time.Hour), Found: true},
		defaults: Defaults{Title: "New message", Mode: ModeAlert},
	}
}

func (w *world) set(f func(*world)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(w)
}

func (w *world) Check(_ context.Context, t Target) (PresenceState, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.checks = append(w.checks, t)
	if w.cutOff {
		return Away, errFake
	}
	return w.presence(t), nil
}

func (w *world) Record(_ context.Context, _, _, device string) (Record, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looked++
	r := w.record
	if device == "other-app" {
		r.App = "other"
	} else if app := w.apps[device]; app != "" {
		r.App = app
	}
	if token := w.tokens[device]; token != "" {
		r.Token = token
	}
	return r, w.recErr
}

func (w *world) MarkRejected(_ context.Context, _, _, _ string, revision uint64, since time.Time) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if revision != w.record.Revision {
		return false, nil
	}
	w.log = append(w.log, "mark "+w.record.Token)
	w.record.RejectedAt = since
	w.record.Revision++
	return true, nil
}

func (w *world) DropToken(_ context.Context, _, _, _ string, revision uint64) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.keep || revision != w.record.Revision {
		return false, nil
	}
	w.log = append(w.log, "drop "+w.record.Token)
	w.record = Record{}
	return true, nil
}

func (w *world) Head(context.Context, string, string, string) (int64, []byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.head, []byte(w.content), w.headErr
}

func (w *world) TokenRejected(_ context.Context, _, _, _, app, reason string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, "rejected "+app+" "+reason)
	return w.eventErr
}

func (w *world) PushDead(_ context.Context, _, _, _, _ string, version int64, reason string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, fmt.Sprintf("dead %d %s", version, reason))
	return w.eventErr
}

func (w *world) logged() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.log...)
}

// provider records what it is sent and answers as told.
type provider struct {
	mu     sync.Mutex
	sent   []Message
	at     []time.Time
	answer func(ctx context.Context, m Message) Result
}

func (p *provider) Send(ctx context.Context, m Message) Result {
	p.mu.Lock()
	p.sent, p.at = append(p.sent, m), append(p.at, time.Now())
	answer := p.answer
	p.mu.Unlock()
	if answer == nil {
		return Result{}
	}
	return answer(ctx, m)
}

func (p *provider) set(answer func(context.Context, Message) Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

func (p *provider) messages() []Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Message(nil), p.sent...)
}

// times returns when the attempts were made.
func (p *provider) times() []time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]time.Time(nil), p.at...)
}

func always(r Result) func(context.Context, Message) Result {
	return func(context.Context, Message) Result { return r }
}
