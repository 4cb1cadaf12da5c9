package pushqueue_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

func (e *env) reader() *pushqueue.Reader {
	r := pushqueue.NewReader(e.push)
	e.t.Cleanup(r.Close)
	return r
}

func (e *env) letters(f pushqueue.Filter) []pushqueue.Letter {
	e.t.Helper()
	var all []pushqueue.Letter
	if err := e.reader().Letters(e.ctx, f, func(l pushqueue.Letter) bool { all = append(all, l); return true }); err != nil {
		e.t.Fatal(err)
	}
	return all
}

// What is given up is kept with its reason, without content, once however often
// it is given up, and can be made after all.
func TestDeadLetters(t *testing.T) {
	e := start(t)
	w := e.consume(pushqueue.ConsumeConfig{})
	j := job(4)
	j.Push = []byte(`{"title":"meet me at nine"}`)
	e.put(j)
	w.next().Retry(0)
	w.next().Dead("com.example.app", "PayloadTooLarge")
	e.empty()
	j.User = "u2"
	e.put(j)
	w.next().Dead("com.example.other", "TopicDisallowed")
	e.empty()
	e.put(job(5))
	w.next().Dead("com.example.app", "PayloadTooLarge")
	e.empty()

	got := e.letters(pushqueue.Filter{Tenant: "acme", App: "com.example.app", Reason: "payload"})
	if len(got) != 1 {
		t.Fatalf("letters: %+v, want the newest of the device and kind", got)
	}
	l := got[0]
	if l.User != "u1" || l.Version != 5 || l.Reason != "PayloadTooLarge" || l.Failures != 1 || l.Deliveries != 1 || time.Since(l.DeadAt) > time.Minute {
		t.Errorf("letter %+v", l)
	}
	if other := e.letters(pushqueue.Filter{User: "u2"}); len(other) != 1 || other[0].Push != nil {
		t.Errorf("letters of u2: %+v", other)
	}
	if raw := e.raw(routing.StreamPushDead); bytes.Contains(raw, []byte("nine")) {
		t.Error("a dead letter has the push's content")
	}

	r := e.reader()
	for range 2 { // the second time does no more
		if err := r.Requeue(e.ctx, l); err != nil {
			t.Fatal(err)
		}
	}
	d := w.next()
	if d.Job.Version != 5 || time.Since(d.Job.LatestAt) > time.Minute || !d.Job.EventAt.Equal(epoch) || d.Job.Failures != 0 {
		t.Errorf("%+v came", d.Job)
	}
	d.Done()
	if left := e.letters(pushqueue.Filter{User: "u1"}); len(left) != 0 {
		t.Errorf("letters after they were requeued: %+v", left)
	}
}

// raw returns the bodies of a stream.
func (e *env) raw(stream string) []byte {
	e.t.Helper()
	s, err := e.router.Stream(e.ctx, stream)
	if err != nil {
		e.t.Fatal(err)
	}
	var all []byte
	state := s.CachedInfo().State
	for seq := state.FirstSeq; seq <= state.LastSeq; seq++ {
		if m, err := s.GetMsg(e.ctx, seq); err == nil {
			all = append(all, m.Data...)
		}
	}
	return all
}

// A job whose letter cannot be kept is not given up.
func TestUnkeptLetterIsNoEnd(t *testing.T) {
	e := start(t)
	w := e.consume(pushqueue.ConsumeConfig{})
	refuse := func(size int32) {
		s, err := e.router.Stream(e.ctx, routing.StreamPushDead)
		if err != nil {
			t.Fatal(err)
		}
		cfg := s.CachedInfo().Config
		cfg.MaxMsgSize = size
		if _, err := e.router.UpdateStream(e.ctx, cfg); err != nil {
			t.Fatal(err)
		}
	}
	refuse(1)
	e.put(job(1))
	w.next().Dead("", "too old")
	time.Sleep(100 * time.Millisecond)
	if jobs := e.stored(); len(jobs) != 1 {
		t.Fatalf("stored: %+v", jobs)
	}
	refuse(-1)
	w.next().Dead("", "too old")
	e.empty()
	if got := e.letters(pushqueue.Filter{}); len(got) != 1 {
		t.Errorf("letters: %+v", got)
	}
}

// What waits is shown, and what is held is let go.
func TestHeldJobIsReleased(t *testing.T) {
	e := start(t)
	w := e.consume(pushqueue.ConsumeConfig{})
	e.put(job(1))
	w.next().Hold(time.Now().Add(time.Hour), pushqueue.HoldPaused, "ios app", "InvalidProviderToken")
	e.held(1)
	w.next().Postpone(time.Now().Add(time.Hour)) // what waits for an application is its worker's to judge
	r := e.reader()
	var all []pushqueue.WaitingJob
	if err := r.Waiting(e.ctx, pushqueue.Filter{Reason: "providertoken"}, func(j pushqueue.WaitingJob) bool { all = append(all, j); return true }); err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 || all[0].Hold != pushqueue.HoldPaused || all[0].Failures != 0 {
		t.Fatalf("waiting: %+v", all)
	}
	for _, want := range []bool{true, false} {
		if ok, err := r.Release(e.ctx, all[0]); ok != want || err != nil {
			t.Errorf("released %v, %v", ok, err)
		}
	}
	d := w.next()
	if j := d.Job; j.Hold != pushqueue.HoldNone || !j.NotBefore.IsZero() || j.WaitsFor != "" {
		t.Errorf("%+v came, which its worker still holds", j)
	}
	d.Done()
	e.empty()
}

func FuzzParseLetter(f *testing.F) {
	f.Add("pushdead.acme.u1.d1.messages", []byte("\x0a\x00"))
	f.Fuzz(func(t *testing.T, subject string, data []byte) {
		l, err := pushqueue.ParseLetter(subject, 1, data)
		if err == nil && routing.PushDeadSubject(l.Tenant, l.User, l.Device, l.Kind) != subject {
			t.Errorf("%q gives %+v", subject, l)
		}
	})
}

// Two operators at once, or one after a timeout: a letter that has gone is no
// error, wherever it stood in the stream.
func TestRequeueOfALetterThatHasGone(t *testing.T) {
	e := start(t)
	w := e.consume(pushqueue.ConsumeConfig{})
	for i := range 3 {
		j := job(1)
		j.User = fmt.Sprintf("u%d", i)
		e.put(j)
		w.next().Dead("com.example.app", "PayloadTooLarge")
		e.empty()
	}
	r := e.reader()
	all := e.letters(pushqueue.Filter{})
	if len(all) != 3 {
		t.Fatalf("%d letters, want 3", len(all))
	}
	for range 2 {
		for _, i := range []int{1, 0, 2} {
			if err := r.Requeue(e.ctx, all[i]); err != nil {
				t.Errorf("letter %d: %v", i, err)
			}
		}
	}
}
