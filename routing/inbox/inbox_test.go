package inbox_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/inbox"
)

type rig struct {
	t      testing.TB
	srv    *natstest.Server
	nc     *nats.Conn
	js     jetstream.JetStream
	cat    *routing.Catalog
	reader *inbox.Reader
	n      int
}

func newRig(t testing.TB, o routing.StreamOptions) *rig {
	t.Helper()
	return newRigOn(t, o, natstest.Run(t, routing.User{Role: routing.RoleRouter, Label: "r1"}, routing.User{Role: routing.RoleEdge, Label: "hk1"},
		routing.User{Role: routing.RolePush, Label: "p1"}))
}

func newRigOn(t testing.TB, o routing.StreamOptions, srv *natstest.Server) *rig {
	t.Helper()
	r := &rig{t: t, srv: srv}
	r.nc, r.js = r.srv.JetStream("r1", o)
	kinds := map[string]routing.Kind{"messages": {}, "contacts": {}, "orders": {Backend: true}}
	var err error
	r.cat, err = routing.NewCatalog([]routing.Tenant{{Name: "acme", Kinds: kinds}, {Name: "globex", Kinds: kinds}})
	if err != nil {
		t.Fatal(err)
	}
	r.reader = r.newReader(r.nc)
	return r
}

func (r *rig) newReader(nc *nats.Conn) *inbox.Reader {
	r.t.Helper()
	reader, err := inbox.NewReader(inbox.Config{Conns: []*nats.Conn{nc}, Catalog: r.cat, AttemptTimeout: 300 * time.Millisecond})
	if err != nil {
		r.t.Fatal(err)
	}
	return reader
}

// put stores an event; version 0: hawser numbers. It returns the version.
func (r *rig) put(tenant, user, kind string, version int64, item []byte) int64 {
	r.t.Helper()
	r.n++
	e := routing.Event{Tenant: tenant, User: user, Kind: kind, ID: fmt.Sprint(r.n), Backend: version > 0, Version: version, Item: item}
	ack, err := r.js.PublishMsg(r.t.Context(), e.Message())
	if err != nil {
		r.t.Fatal(err)
	}
	if version > 0 {
		return version
	}
	return int64(ack.Sequence)
}

func (r *rig) since(user string, since int64, l inbox.Limits) inbox.Page {
	r.t.Helper()
	p, err := r.reader.Since(r.t.Context(), "acme", user, "messages", since, l)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

func TestHeads(t *testing.T) {
	r := newRig(t, routing.StreamOptions{})
	r.put("acme", "u1", "messages", 0, nil)
	m1 := r.put("acme", "u1", "messages", 0, []byte("x"))
	o1 := r.put("acme", "u1", "orders", wire.MaxVersion, nil)
	m2 := r.put("globex", "u1", "messages", 0, nil)
	users := []inbox.User{{Tenant: "acme", User: "u1"}, {Tenant: "acme", User: "nobody"}, {Tenant: "globex", User: "u1"}, {Tenant: "acme", User: "u1"}, {Tenant: "unknown", User: "u1"}}
	for _, minSeq := range []uint64{0, uint64(m2)} {
		heads, err := r.reader.Heads(t.Context(), users, minSeq)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]int64{"messages": m1, "orders": o1}
		for _, i := range []int{0, 3} {
			if len(heads[i]) != 2 || heads[i][0].Version != want[heads[i][0].Kind] || heads[i][1].Version != want[heads[i][1].Kind] {
				t.Errorf("user %d: %+v", i, heads[i])
			}
		}
		if len(heads[1]) != 0 || len(heads[4]) != 0 || len(heads[2]) != 1 || heads[2][0].Version != m2 {
			t.Errorf("heads %+v", heads)
		}
	}
	// Nobody asked about has an event: the answer does not say how far the
	// replica is, and the leader does.
	if _, err := r.reader.Heads(t.Context(), users[1:2], uint64(m2)); err != nil {
		t.Error(err)
	}
}

// A minimum that is not stored is not answered with something older.
func TestHeadsMinimum(t *testing.T) {
	r := newRig(t, routing.StreamOptions{})
	v := r.put("acme", "u1", "messages", 0, nil)
	ctx, cancel := contextFor(t, 400*time.Millisecond)
	defer cancel()
	for _, user := range []string{"u1", "nobody"} {
		if _, err := r.reader.Heads(ctx, []inbox.User{{Tenant: "acme", User: user}}, uint64(v)+1); !errors.Is(err, inbox.ErrUnavailable) {
			t.Errorf("%s: %v", user, err)
		}
	}
}

// More subjects and more bytes than one request takes.
func TestHeadsOfMany(t *testing.T) {
	r := newRig(t, routing.StreamOptions{})
	const n = 600
	users, want := make([]inbox.User, n), make([]int64, n)
	item := make([]byte, 24<<10)
	for i := range users {
		users[i] = inbox.User{Tenant: "acme", User: fmt.Sprintf("user-%d", i)}
		if i%3 > 0 {
			want[i] = r.put("acme", users[i].User, "messages", 0, item)
		}
	}
	heads, err := r.reader.Heads(t.Context(), users, uint64(want[n-1]))
	if err != nil {
		t.Fatal(err)
	}
	for i := range users {
		var got int64
		if len(heads[i]) > 0 {
			got = heads[i][0].Version
		}
		if got != want[i] || len(heads[i]) > 1 {
			t.Errorf("user %d: %+v, want %d", i, heads[i], want[i])
		}
	}
}

func TestSince(t *testing.T) {
	r := newRig(t, routing.StreamOptions{})
	if p := r.since("u1", 0, inbox.Limits{}); p.Head != 0 || len(p.Items) != 0 || p.More || p.SnapshotNeeded || p.ResetToHead {
		t.Errorf("nothing yet: %+v", p)
	}
	var v []int64
	for i := range 5 {
		v = append(v, r.put("acme", "u1", "messages", 0, fmt.Appendf(nil, "item %d", i)))
		r.put("acme", "u2", "messages", 0, nil)
		r.put("globex", "u1", "messages", 0, nil)
		r.put("acme", "u1", "contacts", 0, nil)
	}
	for _, minSeq := range []uint64{0, uint64(v[4])} {
		for i := range 6 {
			since := int64(0)
			if i > 0 {
				since = v[i-1]
			}
			p := r.since("u1", since, inbox.Limits{MinSeq: minSeq})
			if len(p.Items) != 5-i || p.Head != v[4] || p.More || p.SnapshotNeeded || p.ResetToHead {
				t.Fatalf("since the %d.: %+v", i, p)
			}
			for j, it := range p.Items {
				if it.Version != v[i+j] || string(it.Data) != fmt.Sprintf("item %d", i+j) {
					t.Errorf("since the %d.: item %d is %d %q", i, j, it.Version, it.Data)
				}
			}
		}
	}
	if p := r.since("u1", v[0]+1, inbox.Limits{}); len(p.Items) != 4 || p.SnapshotNeeded {
		t.Errorf("since a number between two: %+v", p)
	}
	if p := r.since("u1", v[4]+1, inbox.Limits{}); !p.ResetToHead || p.Head != v[4] || len(p.Items) != 0 {
		t.Errorf("ahead of the head: %+v", p)
	}
	if p := r.since("nobody", 7, inbox.Limits{}); !p.ResetToHead || p.Head != 0 {
		t.Errorf("ahead of nothing: %+v", p)
	}
	if p := r.since("u1", v[4]+1000, inbox.Limits{}); !p.ResetToHead || p.Head != v[4] {
		t.Errorf("ahead of the log: %+v", p)
	}
}

// A device heard of an event before the stream's leader applied it.
func TestSinceBeforeTheLeaderKnows(t *testing.T) {
	r := newRig(t, routing.StreamOptions{})
	v := r.put("acme", "u1", "messages", 0, nil)
	var late sync.WaitGroup
	late.Go(func() {
		time.Sleep(50 * time.Millisecond)
		r.put("acme", "u1", "messages", 0, nil)
	})
	p := r.since("u1", v+1, inbox.Limits{})
	late.Wait()
	if p.ResetToHead || p.Head != v+1 {
		t.Errorf("%+v, want to be up to date at %d", p, v+1)
	}
}

// Pages are cut by count and by bytes, and walk to the head without a hole.
func TestSincePages(t *testing.T) {
	r := newRig(t, routing.StreamOptions{Keep: 50})
	var want []int64
	for range 20 {
		want = append(want, r.put("acme", "u1", "messages", 0, make([]byte, 20<<10)))
	}
	for _, l := range []inbox.Limits{{}, {Items: 3}, {Bytes: 1}} {
		var got []int64
		since := int64(0)
		for pages := 0; ; pages++ {
			p := r.since("u1", since, l)
			size := 0
			for _, it := range p.Items {
				got, since = append(got, it.Version), it.Version
				size += len(it.Data) + 24
			}
			if (size > inbox.PageBytes && l.Bytes == 0) || (l.Items > 0 && len(p.Items) > l.Items) || p.Head != want[19] || pages > 20 {
				t.Fatalf("%+v: page of %d items, %d bytes, head %d", l, len(p.Items), size, p.Head)
			}
			if !p.More {
				break
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%+v: got %d items %v", l, len(got), got)
		}
	}
	largest := r.put("acme", "u2", "messages", 0, make([]byte, 32<<10))
	if p := r.since("u2", 0, inbox.Limits{}); len(p.Items) != 1 || p.Items[0].Version != largest {
		t.Errorf("the largest item: %+v", p.Head)
	}
}

// What was pushed out of the log is never passed over in silence.
func TestSnapshotNeeded(t *testing.T) {
	r := newRig(t, routing.StreamOptions{})
	var v []int64
	for range routing.MinKeep + 4 {
		v = append(v, r.put("acme", "u1", "messages", 0, nil))
	}
	// The first four are gone. Since the fourth none is missing, but the log
	// does not know that: it errs towards a snapshot.
	for i := range v {
		if p := r.since("u1", v[i], inbox.Limits{}); p.SnapshotNeeded != (i < 4) {
			t.Errorf("since number %d: snapshot needed is %v", i, p.SnapshotNeeded)
		}
	}
	if p := r.since("u1", 0, inbox.Limits{}); !p.SnapshotNeeded || len(p.Items) != routing.MinKeep {
		t.Errorf("a new device: %v, %d items", p.SnapshotNeeded, len(p.Items))
	}
	for range routing.MinKeep - 1 {
		r.put("acme", "u2", "messages", 0, nil)
	}
	if p := r.since("u2", 0, inbox.Limits{}); p.SnapshotNeeded {
		t.Error("nothing can be lost of fewer messages than are kept")
	}
	// A log that was lost and made anew: an old device missed what was in it.
	if p := r.since("u2", 5, inbox.Limits{}); !p.SnapshotNeeded || len(p.Items) != routing.MinKeep-1 {
		t.Errorf("a device of an older log: %v", p.SnapshotNeeded)
	}
}

func TestSinceRefuses(t *testing.T) {
	r := newRig(t, routing.StreamOptions{})
	for _, tt := range []struct {
		kind  string
		since int64
		want  error
	}{{"orders", 0, inbox.ErrBackendNumbered}, {"nope", 0, inbox.ErrUnknownKind}, {"messages", -1, wire.ErrVersion}, {"messages", wire.MaxVersion + 1, wire.ErrVersion}} {
		if _, err := r.reader.Since(t.Context(), "acme", "u1", tt.kind, tt.since, inbox.Limits{}); !errors.Is(err, tt.want) {
			t.Errorf("%s since %d: %v", tt.kind, tt.since, err)
		}
	}
}

// A message that the publisher did not write brings no item, and the head
// does not go back because of it.
func TestForeignMessage(t *testing.T) {
	r := newRig(t, routing.StreamOptions{})
	v := r.put("acme", "u1", "messages", 0, []byte("good"))
	ack, err := r.js.Publish(t.Context(), routing.InboxSubject("acme", "u1", "messages"), []byte("forged"))
	if err != nil {
		t.Fatal(err)
	}
	p := r.since("u1", 0, inbox.Limits{})
	if len(p.Items) != 2 || p.Items[0].Version != v || len(p.Items[1].Data) != 0 || p.Head != int64(ack.Sequence) {
		t.Errorf("page %+v", p)
	}
	heads, err := r.reader.Heads(t.Context(), []inbox.User{{Tenant: "acme", User: "u1"}}, 0)
	if err != nil || len(heads[0]) != 1 || heads[0][0].Version != int64(ack.Sequence) {
		t.Errorf("heads %+v, %v", heads, err)
	}
}

func TestLastAndAt(t *testing.T) {
	r := newRig(t, routing.StreamOptions{})
	if _, ok, err := r.reader.Last(t.Context(), "acme", "u1", "orders"); ok || err != nil {
		t.Errorf("nothing: %v, %v", ok, err)
	}
	r.put("acme", "u1", "orders", 7, []byte("seven"))
	r.put("acme", "u1", "orders", 9, []byte("nine"))
	e, ok, err := r.newReader(r.srv.Conn(routing.RolePush, "p1")).Last(t.Context(), "acme", "u1", "orders")
	if !ok || err != nil || e.Version != 9 || string(e.Item) != "nine" || e.Time.IsZero() {
		t.Errorf("last %+v, %v, %v", e, ok, err)
	}
	if e, ok, err = r.reader.At(t.Context(), e.Sequence-1); !ok || err != nil || e.Version != 7 {
		t.Errorf("first %+v, %v, %v", e, ok, err)
	}
	if _, ok, err = r.reader.At(t.Context(), e.Sequence+5); ok || err != nil {
		t.Errorf("beyond: %v, %v", ok, err)
	}
}

func TestReadsSurviveRestart(t *testing.T) {
	r := newRig(t, routing.StreamOptions{})
	v := r.put("acme", "u1", "messages", 0, []byte("x"))
	type result struct {
		page inbox.Page
		err  error
	}
	done := make(chan result)
	r.srv.Restart(func() {
		go func() {
			p, err := r.reader.Since(t.Context(), "acme", "u1", "messages", 0, inbox.Limits{})
			done <- result{p, err}
		}()
		time.Sleep(400 * time.Millisecond)
	})
	if got := <-done; got.err != nil || len(got.page.Items) != 1 || got.page.Head != v {
		t.Errorf("got %+v", got)
	}
	r.srv.Shutdown()
	ctx, cancel := contextFor(t, 200*time.Millisecond)
	defer cancel()
	if _, err := r.reader.Since(ctx, "acme", "u1", "messages", 0, inbox.Limits{}); !errors.Is(err, inbox.ErrUnavailable) {
		t.Errorf("without NATS: %v", err)
	}
}
