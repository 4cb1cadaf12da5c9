package inbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/hawser-edge/hawser/gateway/metric/metrictest"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/inbox"
)

// tailRig is a rig with a reader that remembers the end of the log, which begins
// with what is stored after it.
type tailRig struct {
	*rig
	tail *inbox.Reader
	reg  *prometheus.Registry
	head int64
}

func newTailRig(t *testing.T, conns ...func(*rig) *nats.Conn) *tailRig {
	t.Helper()
	return newTailRigOn(newRig(t, routing.StreamOptions{}), conns...)
}

func newTailRigOn(on *rig, conns ...func(*rig) *nats.Conn) *tailRig {
	t := on.t
	t.Helper()
	r := &tailRig{rig: on, reg: prometheus.NewRegistry()}
	cfg := inbox.Config{Catalog: r.cat, Registerer: r.reg}
	for _, conn := range conns {
		cfg.Conns = append(cfg.Conns, conn(r.rig))
	}
	cfg.Conns = append(cfg.Conns, r.nc)
	var err error
	if r.tail, err = inbox.NewReader(cfg); err != nil {
		t.Fatal(err)
	}
	r.head = r.put("acme", "first", "messages", 0, nil)
	r.ask("first", r.head)
	return r
}

// ask asks for what is new after since, as a router does that was handed all
// that is stored.
func (r *tailRig) ask(user string, since int64) inbox.Page {
	r.t.Helper()
	return r.askLimited(user, since, inbox.Limits{})
}

func (r *tailRig) askLimited(user string, since int64, l inbox.Limits) inbox.Page {
	r.t.Helper()
	ctx, cancel := contextFor(r.t, time.Minute)
	defer cancel()
	l.MinSeq = uint64(r.head)
	p, err := r.tail.Since(ctx, "acme", user, "messages", since, l)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

func (r *tailRig) store(user string) int64 {
	r.t.Helper()
	r.head = r.put("acme", user, "messages", 0, []byte("item "+user))
	return r.head
}

// remembered is how many answers came from what the reader remembers.
func (r *tailRig) remembered() float64 {
	r.t.Helper()
	n, err := testutil.GatherAndCount(r.reg, "hawser_inbox_tail_answers_total")
	if err != nil || n != 1 {
		r.t.Fatal(n, err)
	}
	return metrictest.Value(r.t, r.reg, "hawser_inbox_tail_answers_total")
}

// Whatever is stored, in whatever order devices ask, with whatever version and
// limits: what a reader remembers is what the log has. One user has so many
// events that the log pushes most of them out, and nobody asks for long.
func TestTailAnswersAsTheLogDoes(t *testing.T) {
	r := newTailRig(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	versions := map[string][]int64{}
	for round := range 60 {
		for range rnd.IntN(30) {
			user := fmt.Sprint("u", rnd.IntN(8))
			if rnd.IntN(2) == 0 {
				user = "hot"
			}
			versions[user] = append(versions[user], r.store(user))
		}
		if round%20 == 10 {
			r.storeMany("other", 1500) // more than one answer usually brings
		}
		for range 10 {
			user := fmt.Sprint("u", rnd.IntN(8))
			if rnd.IntN(4) == 0 {
				user = "hot"
			}
			of := versions[user]
			if len(of) == 0 {
				continue
			}
			since, l := of[max(len(of)-1-rnd.IntN(25), 0)], inbox.Limits{Items: rnd.IntN(4)}
			want, err := r.reader.Since(t.Context(), "acme", user, "messages", since, l)
			if err != nil {
				t.Fatal(err)
			}
			if got := r.askLimited(user, since, l); !reflect.DeepEqual(got, want) {
				t.Fatalf("round %d, %s since %d: %+v, the log has %+v", round, user, since, got, want)
			}
		}
	}
	if n := r.remembered(); n < 100 {
		t.Errorf("%v of 600 answers were remembered", n)
	}
}

// storeMany stores events of a user whom nobody asks for.
func (r *tailRig) storeMany(user string, n int) {
	r.t.Helper()
	var last jetstream.PubAckFuture
	for range n {
		r.n++
		var err error
		e := routing.Event{Tenant: "acme", User: fmt.Sprint(user, r.n), Kind: "messages", ID: fmt.Sprint(r.n)}
		if last, err = r.js.PublishMsgAsync(e.Message()); err != nil {
			r.t.Fatal(err)
		}
	}
	select {
	case ack := <-last.Ok():
		r.head = int64(ack.Sequence)
	case err := <-last.Err():
		r.t.Fatal(err)
	case <-r.t.Context().Done():
	}
}

// All who ask at once share a few questions.
func TestTailIsReadOnceForAll(t *testing.T) {
	r := newTailRig(t)
	const devices = 300
	var since [devices]int64
	for i := range devices {
		since[i] = r.store(fmt.Sprint("u", i))
	}
	for i := range devices {
		r.store(fmt.Sprint("u", i))
	}
	asked := r.nc.Stats().OutMsgs
	var all sync.WaitGroup
	for i := range devices {
		all.Go(func() {
			ctx, cancel := contextFor(t, time.Minute)
			defer cancel()
			p, err := r.tail.Since(ctx, "acme", fmt.Sprint("u", i), "messages", since[i], inbox.Limits{MinSeq: uint64(r.head)})
			if err != nil || len(p.Items) != 1 || p.SnapshotNeeded {
				t.Errorf("device %d: %+v, %v", i, p, err)
			}
		})
	}
	all.Wait()
	if n := r.nc.Stats().OutMsgs - asked; n > devices/3 {
		t.Errorf("the log was asked %d times for %d devices", n, devices)
	}
}

// What was removed of a user is not answered from memory.
func TestTailForgetsAUser(t *testing.T) {
	r := newTailRig(t)
	since := r.store("u1")
	news := r.store("u1")
	if p := r.ask("u1", since); len(p.Items) != 1 || r.remembered() == 0 {
		t.Fatalf("%+v, %v remembered", p, r.remembered())
	}
	r.tail.Forget(inbox.User{Tenant: "acme", User: "u1"})
	s, err := r.js.Stream(t.Context(), routing.StreamInbox)
	for _, version := range []int64{since, news} {
		if err == nil {
			err = s.DeleteMsg(t.Context(), uint64(version))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	p, err := r.tail.Since(ctx, "acme", "u1", "messages", since, inbox.Limits{MinSeq: uint64(r.head)})
	if err != nil || len(p.Items) != 0 {
		t.Errorf("after the removal: %+v, %v", p, err)
	}
}

// A log that lost its end, as when NATS servers die that had not written it to
// disk, takes others in at the same numbers. Nothing of that goes unsaid, and
// nothing of what was lost is told.
func TestTailOfALogThatWentBack(t *testing.T) {
	// Without users: routers may not delete the stream.
	r := newTailRigOn(newRigOn(t, routing.StreamOptions{}, natstest.Run(t)))
	since := r.store("u1")
	r.store("u2")
	lost := r.store("u1")
	if p := r.ask("u1", since); len(p.Items) != 1 || r.remembered() == 0 {
		t.Fatalf("%+v, %v remembered", p, r.remembered())
	}
	s, err := r.js.Stream(t.Context(), routing.StreamInbox)
	if err != nil {
		t.Fatal(err)
	}
	cfg := s.CachedInfo().Config
	cfg.FirstSeq = uint64(since)
	if err := r.js.DeleteStream(t.Context(), routing.StreamInbox); err != nil {
		t.Fatal(err)
	}
	if _, err := r.js.CreateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if at := r.store("u1"); at != since {
		t.Fatalf("stored at %d, not %d", at, since)
	}
	want := r.store("u1")
	if want >= lost {
		t.Fatalf("stored at %d", want)
	}
	for end := time.Now().Add(time.Minute); r.ask("u1", since).Head != want; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the end that was lost is still told")
		}
	}
	r.store("u3") // beyond what was lost
	r.store("u3")
	if p := r.ask("u1", since); len(p.Items) != 1 || p.Head != want {
		t.Errorf("the log has one at %d: %+v", want, p)
	}
}

// Who asks is answered while a server stands still, too.
func TestTailIsReadOverAnotherServer(t *testing.T) {
	var line *natstest.Line
	r := newTailRig(t, func(r *rig) *nats.Conn {
		line = natstest.NewLine(t, strings.TrimPrefix(r.srv.URL(), "nats://"))
		return r.srv.Conn(routing.RoleRouter, "r1", nats.SetCustomDialer(over{line}))
	})
	since := r.store("u1")
	r.store("u1")
	r.ask("u1", since)
	line.Cut()
	for range 4 {
		if p := r.ask("u1", since); len(p.Items) != 1 {
			t.Fatalf("%+v", p)
		}
	}
}

// An answer that was cut short shows a moment, and the rest of it would show
// another one: between the two the log may have pushed out what neither has.
func TestTailTakesNoAnswerThatIsCutShort(t *testing.T) {
	s := natstest.Run(t)
	nc := s.Conn(routing.RoleRouter, "r1")
	subject := routing.InboxSubject("acme", "u1", "messages")
	var mu sync.Mutex
	var asked []uint64
	if _, err := nc.Subscribe("$JS.API.DIRECT.GET."+routing.StreamInbox, func(m *nats.Msg) {
		var req struct {
			Seq   uint64 `json:"seq"`
			Batch int    `json:"batch"`
		}
		if err := json.Unmarshal(m.Data, &req); err != nil {
			t.Error(err)
		}
		mu.Lock()
		asked = append(asked, req.Seq)
		first := len(asked) == 1
		mu.Unlock()
		var seqs []int
		for seq := int(req.Seq); first && len(seqs) < req.Batch; seq++ {
			seqs = append(seqs, seq)
		}
		if !first {
			seqs = []int{5000}
		}
		replyWith(t, m, subject, seqs)
	}); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	reader := readerOf(t, s, 0)
	p, err := reader.Since(t.Context(), "acme", "u1", "messages", 100, inbox.Limits{MinSeq: 100})
	mu.Lock()
	defer mu.Unlock()
	if err != nil || len(asked) != 2 || asked[0] != 100 || asked[1] != 100 {
		t.Fatalf("asked from %v on, %v", asked, err)
	}
	if len(p.Items) != 1 || p.Head != 5000 {
		t.Errorf("%d items up to %d", len(p.Items), p.Head)
	}
}
