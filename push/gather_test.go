package push

import (
	"context"
	"testing"
	"time"
)

func TestBurstBecomesOnePush(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.head = 1000
		var all []*ticket
		for v := range int64(1000) {
			all = append(all, b.hand(job(v+1)))
		}
		pass(2 * time.Second)
		if n := len(b.app.messages()); n != 1 {
			t.Fatalf("%d pushes, want 1", n)
		}
		for _, k := range all {
			k.want("done")
		}
		m := b.app.messages()[0]
		if m.Hawser != (Hawser{V: 1, User: "u1", Kind: "messages", Version: "1000"}) || m.Content.Title != "New message" || m.Collapse != "messages" {
			t.Errorf("message %+v", m)
		}
	})
}

func TestBurstDuringAPushBecomesOneMore(t *testing.T) {
	run(t, nil, func(b *bench) {
		release := make(chan struct{})
		b.app.set(func(context.Context, Message) Result { <-release; return Result{} })
		first := b.hand(job(1))
		pass(1500 * time.Millisecond)
		var all []*ticket
		for v := range int64(1000) {
			all = append(all, b.hand(job(v+2)))
		}
		pass(5 * time.Second)
		if n := len(b.app.messages()); n != 1 {
			t.Fatalf("%d pushes at once for one device", n)
		}
		close(release)
		pass(2 * time.Second)
		if n := len(b.app.messages()); n != 2 {
			t.Errorf("%d pushes, want 2", n)
		}
		first.want("done")
		for _, k := range all {
			k.want("done")
		}
		if v := b.app.messages()[1].Hawser.Version; v != "1001" {
			t.Errorf("second push names version %s", v)
		}
	})
}

// Jobs that were passed on may come out of order: the newest one's delivery is
// the one that the queue still has.
func TestOlderJobComesLater(t *testing.T) {
	run(t, nil, func(b *bench) {
		newer := b.hand(job(2))
		older := b.hand(job(1))
		older.want("done")
		newer.want("")
		pass(2 * time.Second)
		newer.want("done")
		if m := b.app.messages(); len(m) != 1 || m[0].Hawser.Version != "2" {
			t.Errorf("pushed %+v", m)
		}
	})
}

func TestGatherTime(t *testing.T) {
	for _, c := range []struct {
		urgency int
		want    time.Duration
	}{{Low, time.Second}, {Normal, time.Second}, {High, 200 * time.Millisecond}} {
		run(t, nil, func(b *bench) {
			begin := time.Now()
			j := job(1)
			j.Urgency = c.urgency
			b.hand(j)
			pass(500 * time.Millisecond)
			b.hand(job(2)) // does not lengthen the wait
			pass(3 * time.Second)
			if got := b.app.times()[0].Sub(begin); got != c.want {
				t.Errorf("urgency %d: sent after %v, want %v", c.urgency, got, c.want)
			}
		})
	}
}

// An event does not grow old by standing for an older one: a push that was
// held up for an hour must not take the news of this second with it.
func TestNewsIsAsYoungAsItsNewestEvent(t *testing.T) {
	run(t, func(c *Config) { c.MaxAge = time.Hour }, func(b *bench) {
		b.set(func(w *world) { w.defaults.TTL = 30 * time.Second })
		old := job(1)
		old.EventAt = time.Now().Add(-59 * time.Minute)
		b.hand(old)
		fresh := job(2)
		fresh.LatestAt = time.Now()
		k := b.hand(fresh)
		expiry := fresh.LatestAt.Add(30 * time.Second)
		pass(2 * time.Second)
		k.want("done")
		if m := b.app.messages(); len(m) != 1 || !m[0].Expiry.Equal(expiry) {
			t.Fatalf("pushed %+v, want one that expires at %v", m, expiry)
		}
		// As the store joins them: the time of the oldest, and of the newest.
		both := job(3)
		both.EventAt, both.LatestAt = time.Now().Add(-2*time.Hour), time.Now()
		b.app.set(func(context.Context, Message) Result { return Result{Verdict: RetryAfter, Reason: "busy"} })
		k = b.hand(both)
		pass(2 * time.Second)
		k.want("retry")
	})
}

// Without a time to live a push is made as long as its newest event is not too old.
func TestOldNewsIsAsYoungAsItsNewestEvent(t *testing.T) {
	run(t, func(c *Config) { c.MaxAge = time.Hour }, func(b *bench) {
		both := job(2)
		both.EventAt, both.LatestAt = time.Now().Add(-2*time.Hour), time.Now()
		expiry := both.LatestAt.Add(time.Hour)
		k := b.hand(both)
		pass(2 * time.Second)
		k.want("done")
		if m := b.app.messages(); len(m) != 1 || !m[0].Expiry.Equal(expiry) {
			t.Errorf("pushed %+v, want one that expires at %v", m, expiry)
		}
	})
}

// What is to be tried once only is of this moment, which for a device that is
// connected begins when the patience with it is over.
func TestOnceBeginsAfterThePatience(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.set(func(w *world) { w.presence = func(Target) PresenceState { return InFlight } })
		j := job(1)
		j.Urgency, j.Push = Low, []byte(`{"title":"now","ttl_s":0}`)
		k := b.store(j)
		pass(55 * time.Second)
		b.wantPushes(0)
		pass(10 * time.Second)
		b.wantPushes(1)
		k.want("done")
	})
}

func TestHighJobShortensTheWait(t *testing.T) {
	run(t, nil, func(b *bench) {
		begin := time.Now()
		b.hand(job(1))
		pass(300 * time.Millisecond)
		j := job(2)
		j.Urgency = High
		b.hand(j)
		pass(3 * time.Second)
		if got := b.app.times()[0].Sub(begin); got != 500*time.Millisecond || len(b.app.messages()) != 1 {
			t.Errorf("sent after %v", got)
		}
		if u := b.app.messages()[0].Urgency; u != High {
			t.Errorf("urgency %d", u)
		}
	})
}

// One push stands for both jobs, whichever came first: the newest version and its
// content, the higher urgency, since the oldest event, and as young as the newest.
func TestMergedJobs(t *testing.T) {
	at := func(s int) time.Time { return epoch.Add(time.Duration(s) * time.Second) }
	call := Job{Version: 7, Urgency: High, EventAt: at(5), Push: []byte("older")}
	news := Job{Version: 8, Urgency: Low, EventAt: at(3), LatestAt: at(9), Push: []byte("newer")}
	late := Job{Version: 6, Urgency: Normal, EventAt: at(12)}
	for name, pair := range map[string][2]Job{"in order": {call, news}, "the older one last": {news, call}} {
		got := merge(pair[0], pair[1])
		if got.Version != 8 || string(got.Push) != "newer" || got.Urgency != High || !got.EventAt.Equal(at(3)) || !got.latest().Equal(at(9)) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for name, pair := range map[string][2]Job{"in order": {late, call}, "the older one last": {call, late}} {
		got := merge(pair[0], pair[1])
		if got.Version != 7 || got.Urgency != High || !got.EventAt.Equal(at(5)) || !got.latest().Equal(at(12)) {
			t.Errorf("later news of an older version, %s: %+v", name, got)
		}
	}
}
