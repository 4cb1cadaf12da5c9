package push

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var errFake = errors.New("not reachable")

// world is the rest of the system, as far as the worker asks it.
type world struct {
	mu       sync.Mutex
	presence func(Target) PresenceState
	record   Record
	apps     map[string]string // devices of others than the record's, to theirs
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

// ticket is a delivery that remembers how it was resolved, and that comes back
// to the worker if comeBack is set, as a stream's would.
type ticket struct {
	t         *testing.T
	mu        sync.Mutex
	how       string
	after     time.Duration
	hold      int
	times     int
	lost      bool
	err       error
	holds     int // how often it was written down
	postponed int
	timer     *time.Timer
	comeBack  func()
	heldAs    func(until time.Time, hold int, waitsFor string)
}

func (k *ticket) resolve(how string, after time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.times++
	k.how, k.after = how, after
	if how != "retry" {
		return
	}
	if k.comeBack != nil {
		k.times--
		k.timer = time.AfterFunc(max(after, atOnce), k.again)
	}
}

// again gives the job once more, unless a newer one took its place meanwhile.
func (k *ticket) again() {
	k.mu.Lock()
	comeBack := k.comeBack
	k.mu.Unlock()
	if comeBack != nil {
		comeBack()
	}
}

// replaced is told when a newer job takes this one's place in the queue.
func (k *ticket) replaced() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lost, k.comeBack = true, nil
}

// fail has the queue not say whether the job is current.
func (k *ticket) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.err = err
}

// Current says no once the stream gave the job, or a newer one, to another
// worker.
func (k *ticket) Current(context.Context) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.lost, k.err
}

func (k *ticket) Drop()                 { k.resolve("drop", 0) }
func (k *ticket) Done()                 { k.resolve("done", 0) }
func (k *ticket) Retry(d time.Duration) { k.resolve("retry", d) }

// Hold has the job come back as the queue does: what is written down is handed
// out at once where it waits for an application.
func (k *ticket) Hold(until time.Time, hold int, waitsFor, _ string) {
	k.mu.Lock()
	k.hold = hold
	k.holds++
	if k.heldAs != nil {
		k.heldAs(until, hold, waitsFor)
	}
	k.mu.Unlock()
	after := time.Until(until)
	if waitsFor != "" && k.comeBack != nil {
		after = 0
	}
	k.resolve("retry", after)
}

func (k *ticket) Postpone(until time.Time) (recall func()) {
	k.mu.Lock()
	k.postponed++
	k.mu.Unlock()
	k.resolve("retry", time.Until(until))
	k.mu.Lock()
	defer k.mu.Unlock()
	timer := k.timer
	return func() {
		if timer != nil && timer.Stop() {
			k.again()
		}
	}
}
func (k *ticket) Dead(_, reason string) { k.resolve("dead "+reason, 0) }

// resolved returns how the delivery was resolved last.
func (k *ticket) resolved() (how string, after time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.how, k.after
}

// held returns why the job was held, and for how long.
func (k *ticket) held() (hold int, after time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.hold, k.after
}

// want checks how the delivery was resolved, and that it was once.
func (k *ticket) want(how string) {
	k.t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	returned := how == "retry" && k.comeBack != nil
	if k.how != how || (how != "" && k.times != 1 && !returned) {
		k.t.Errorf("delivery: %q (%d times), want %q", k.how, k.times, how)
	}
}

// bench is a running worker in a bubble of virtual time.
type bench struct {
	*world
	t        *testing.T
	worker   *Worker
	app      *provider
	other    *provider
	stop     context.CancelFunc
	ending   atomic.Bool // jobs come back no more
	finished chan struct{}
	made     int // devices, by the test
}

// run runs a test against a worker whose clock is virtual.
func run(t *testing.T, change func(*Config), test func(b *bench)) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{world: newWorld(), t: t, app: &provider{}, other: &provider{}, finished: make(chan struct{})}
		cfg := Config{
			Presence: b.world, Records: b.world, Heads: b.world, Events: b.world,
			Policy: func(string, string) Defaults { return b.defaults },
			Apps:   map[AppKey]Provider{{"acme", IOS, "app"}: b.app, {"acme", IOS, "other"}: b.other},
			Log:    slog.New(slog.NewTextHandler(io.Discard, nil)),
		}
		if change != nil {
			change(&cfg)
		}
		var err error
		if b.worker, err = NewWorker(cfg); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		b.stop = cancel
		go func() {
			defer close(b.finished)
			_ = b.worker.Run(ctx)
		}()
		test(b)
		b.ending.Store(true)
		cancel()
		<-b.finished
	})
}

func job(version int64) Job {
	return Job{
		Tenant: "acme", User: "u1", Device: "d1", Kind: "messages",
		Version: version, EventAt: time.Now(), Urgency: Normal,
	}
}

// hand gives a job once.
func (b *bench) hand(j Job) *ticket {
	k := &ticket{t: b.t}
	b.worker.Handle(j, k)
	return k
}

// store gives a job that comes back after each Retry.
func (b *bench) store(j Job) *ticket {
	k := &ticket{t: b.t}
	k.heldAs = func(until time.Time, hold int, waitsFor string) {
		j.NotBefore, j.Hold, j.WaitsFor = until, hold, waitsFor
	}
	k.comeBack = func() {
		if b.ending.Load() {
			return
		}
		k.mu.Lock()
		again := j
		k.mu.Unlock()
		b.worker.Handle(again, k)
	}
	b.worker.Handle(j, k)
	return k
}

// pass lets virtual time pass and everything settle.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
