package publish_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/hawserv1"
	"github.com/hawser-edge/hawser/routing/inbox"
	"github.com/hawser-edge/hawser/routing/publish"
)

const apiKey = "key-of-acme"

func catalog(t testing.TB) *routing.Catalog {
	t.Helper()
	kinds := map[string]routing.Kind{"messages": {}, "orders": {Backend: true}, "alerts": {Push: routing.PushDefaults{Title: "Alert"}}}
	c, err := routing.NewCatalog([]routing.Tenant{
		{Name: "acme", APIKeys: []routing.KeyHash{routing.HashKey(apiKey)}, Kinds: kinds},
		{Name: "globex", APIKeys: []routing.KeyHash{routing.HashKey("key-of-globex")}, Kinds: kinds},
		{Name: "slow", Kinds: kinds, MaxEventsPerSecond: 2},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// rig is a service on a real server.
type rig struct {
	reader *inbox.Reader // where there is one
	srv    *natstest.Server
	nc     *nats.Conn
	js     jetstream.JetStream
	svc    *publish.Service
	reg    *prometheus.Registry
}

func newRig(t testing.TB, o routing.StreamOptions, change func(*publish.Config)) *rig {
	t.Helper()
	r := &rig{reg: prometheus.NewRegistry()}
	r.srv = natstest.Run(t,
		routing.User{Role: routing.RoleEdge, Label: "hk1"},
		routing.User{Role: routing.RoleRouter, Label: "r1"},
		routing.User{Role: routing.RoleBackend, Label: "acme"},
		routing.User{Role: routing.RoleBackend, Label: "globex"}, routing.User{Role: routing.RoleBackend, Label: "slow"})
	r.nc, r.js = r.srv.JetStream("r1", o)
	c := catalog(t)
	reader, err := inbox.NewReader(inbox.Config{Conns: []*nats.Conn{r.nc}, Catalog: c})
	if err != nil {
		t.Fatal(err)
	}
	cfg := publish.Config{JS: r.js, Reader: reader, Catalog: c, Log: slog.New(slog.DiscardHandler), Registerer: r.reg}
	if change != nil {
		change(&cfg)
	}
	r.svc = publish.New(cfg)
	return r
}

func (r *rig) must(t *testing.T, tenant string, req publish.Request) publish.Result {
	t.Helper()
	res, err := r.svc.Publish(t.Context(), tenant, req)
	if err != nil {
		t.Fatalf("publish %+v: %v (%v)", req, err, errors.Unwrap(err))
	}
	return res
}

// refuse publishes what must be refused with a code and words.
func (r *rig) refuse(t *testing.T, tenant string, req publish.Request, code connect.Code, words string) *publish.Error {
	t.Helper()
	_, err := r.svc.Publish(t.Context(), tenant, req)
	var e *publish.Error
	if !errors.As(err, &e) {
		t.Fatalf("publish %+v: got %v, want a refusal", req, err)
	}
	if e.Code != code || !strings.Contains(e.Message, words) {
		t.Errorf("publish %+v: got %v, want %v with %q", req, e, code, words)
	}
	return e
}

func (r *rig) stored(t *testing.T) uint64 {
	t.Helper()
	s, err := r.js.Stream(t.Context(), routing.StreamInbox)
	if err != nil {
		t.Fatal(err)
	}
	return s.CachedInfo().State.Msgs
}

func TestHawserNumbers(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, nil)
	a := r.must(t, "acme", publish.Request{User: "u1", Kind: "messages", Item: []byte("one"), ID: "x"})
	b := r.must(t, "acme", publish.Request{User: "u1", Kind: "messages", Item: []byte("two"), ID: "y", Urgency: routing.UrgencyHigh,
		Push: &hawserv1.Push{Title: "It is \"ü\"\r\n", Data: map[string]string{"a": "b"}}})
	if b.Version <= a.Version || a.Duplicate || b.Duplicate {
		t.Fatalf("got %+v then %+v", a, b)
	}
	again := r.must(t, "acme", publish.Request{User: "u1", Kind: "messages", Item: []byte("one"), ID: "x"})
	if again.Version != a.Version || !again.Duplicate {
		t.Errorf("repeat got %+v, want version %d as a duplicate", again, a.Version)
	}
	s, _ := r.js.Stream(t.Context(), routing.StreamInbox)
	m, err := s.GetMsg(t.Context(), uint64(b.Version))
	if err != nil {
		t.Fatal(err)
	}
	e, err := routing.ParseEvent(m.Subject, m.Header, m.Data, m.Sequence, m.Time)
	if err != nil {
		t.Fatal(err)
	}
	if e.ID != "y" || e.Version != b.Version || e.Backend || e.Urgency != routing.UrgencyHigh || string(e.Item) != "two" {
		t.Errorf("stored event %+v", e)
	}
	if !strings.Contains(string(e.Push), `\"ü\"\r\n`) {
		t.Errorf("stored push %s", e.Push)
	}
}

// One id of several users, kinds or tenants is several ids.
func TestIDsAreApart(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, nil)
	seen := map[int64]bool{}
	for _, tenant := range []string{"acme", "globex"} {
		for _, user := range []string{"u1", "u2"} {
			for _, kind := range []string{"messages", "alerts"} {
				res := r.must(t, tenant, publish.Request{User: user, Kind: kind, ID: "same"})
				if res.Duplicate || seen[res.Version] {
					t.Errorf("%s/%s/%s: %+v swallowed", tenant, user, kind, res)
				}
				seen[res.Version] = true
			}
		}
	}
	if n := r.stored(t); n != 8 {
		t.Errorf("%d stored, want 8", n)
	}
}

func TestWithoutIDEveryEventIsStored(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, nil)
	for range 3 {
		if res := r.must(t, "acme", publish.Request{User: "u1", Kind: "messages", Item: []byte("same")}); res.Duplicate {
			t.Errorf("got %+v", res)
		}
	}
	if n := r.stored(t); n != 3 {
		t.Errorf("%d stored, want 3", n)
	}
}

func TestRefusals(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, nil)
	long := strings.Repeat("é", 1800)
	tests := []struct {
		name  string
		req   publish.Request
		words string
	}{
		{"user with a dot", publish.Request{User: "a.b", Kind: "messages"}, `user "a.b" must match`},
		{"no user", publish.Request{Kind: "messages"}, "user"},
		{"wildcard user", publish.Request{User: "*", Kind: "messages"}, "user"},
		{"unknown kind", publish.Request{User: "u", Kind: "nope"}, "not configured"},
		{"item too large", publish.Request{User: "u", Kind: "messages", Item: make([]byte, publish.MaxItem+1)}, "item has"},
		{"id with a space", publish.Request{User: "u", Kind: "messages", ID: "a b"}, "printable ASCII"},
		{"id with a newline", publish.Request{User: "u", Kind: "messages", ID: "a\r\nX: y"}, "printable ASCII"},
		{"id of another alphabet", publish.Request{User: "u", Kind: "messages", ID: "ü"}, "printable ASCII"},
		{"id too long", publish.Request{User: "u", Kind: "messages", ID: strings.Repeat("x", 129)}, "at most 128"},
		{"urgency", publish.Request{User: "u", Kind: "messages", Urgency: 7}, "urgency"},
		{"version where hawser numbers", publish.Request{User: "u", Kind: "messages", Version: 5}, "leave version out"},
		{"no version where the backend numbers", publish.Request{User: "u", Kind: "orders"}, "version is required"},
		{"version too great", publish.Request{User: "u", Kind: "orders", Version: 1 << 53}, "version"},
		{"negative version", publish.Request{User: "u", Kind: "orders", Version: -1}, "version"},
		{"push none and title", publish.Request{User: "u", Kind: "messages", Push: &hawserv1.Push{None: true, Title: "x"}}, "stands alone"},
		{"push ttl", publish.Request{User: "u", Kind: "messages", Push: &hawserv1.Push{TtlS: proto.Int64(1 << 40)}}, "ttl_s"},
		{"push badge", publish.Request{User: "u", Kind: "messages", Push: &hawserv1.Push{Badge: new(int32(-1))}}, "badge"},
		{"push too large", publish.Request{User: "u", Kind: "messages", Push: &hawserv1.Push{Body: long}}, "4096"},
		{"push too large once escaped", publish.Request{User: "u", Kind: "messages", Push: &hawserv1.Push{Body: strings.Repeat("\x01", 600)}}, "4096"},
		{"reserved data key", publish.Request{User: "u", Kind: "messages", Push: &hawserv1.Push{Data: map[string]string{"hawser": "x"}}}, "reserved"},
		{"provider's data key", publish.Request{User: "u", Kind: "messages", Push: &hawserv1.Push{Data: map[string]string{"google.x": "x"}}}, "reserved"},
		{"empty data key", publish.Request{User: "u", Kind: "messages", Push: &hawserv1.Push{Data: map[string]string{"": "x"}}}, "key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if e := r.refuse(t, "acme", tt.req, connect.CodeInvalidArgument, tt.words); e.RetryAfter != 0 {
				t.Errorf("says that a repeat helps: %v", e.RetryAfter)
			}
		})
	}
	if n := r.stored(t); n != 0 {
		t.Errorf("%d stored, want none", n)
	}
}

func TestLargestFits(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, nil)
	r.must(t, "acme", publish.Request{User: strings.Repeat("u", 64), Kind: "messages", Item: make([]byte, publish.MaxItem),
		ID: strings.Repeat("~", 128), Push: &hawserv1.Push{Body: strings.Repeat("x", 3500)}})
}

func TestQuota(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, nil)
	for range 2 {
		r.must(t, "slow", publish.Request{User: "u", Kind: "messages"})
	}
	e := r.refuse(t, "slow", publish.Request{User: "u", Kind: "messages"}, connect.CodeResourceExhausted, "repeat after")
	if e.RetryAfter <= 0 || e.RetryAfter > time.Second {
		t.Errorf("retry after %v", e.RetryAfter)
	}
	r.must(t, "acme", publish.Request{User: "u", Kind: "messages"})
}

func TestFullStream(t *testing.T) {
	r := newRig(t, routing.StreamOptions{InboxMaxBytes: 100 << 10}, nil)
	item := make([]byte, 20<<10)
	var e *publish.Error
	for i := range 10 {
		_, err := r.svc.Publish(t.Context(), "acme", publish.Request{User: "u" + string(rune('a'+i)), Kind: "messages", Item: item})
		if errors.As(err, &e) {
			break
		}
	}
	if e == nil || e.Code != connect.CodeUnavailable || !strings.Contains(e.Message, "full") || e.RetryAfter < time.Second {
		t.Fatalf("a full log answered %v", e)
	}
	if r.stored(t) == 0 {
		t.Error("the full log forgot")
	}
}

// A router that is too busy says so at once.
func TestBounded(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, func(c *publish.Config) { c.MaxInFlight = 1 })
	busy := func(err error) bool {
		return err != nil && strings.Contains(err.Error(), "too many events")
	}
	done := make(chan error, 1)
	r.srv.Restart(func() {
		go func() {
			for {
				_, err := r.svc.Publish(t.Context(), "acme", publish.Request{User: "u", Kind: "messages"})
				if !busy(err) {
					done <- err
					return
				}
			}
		}()
		for {
			_, err := r.svc.Publish(t.Context(), "nope!", publish.Request{})
			if busy(err) {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	})
	if err := <-done; err != nil {
		t.Errorf("the event in flight: %v", err)
	}
}

// NATS goes away and comes back in the middle: every call succeeds in the
// end, and nothing is stored twice.
func TestRestartInTheMiddle(t *testing.T) {
	r := newRig(t, routing.StreamOptions{Keep: 1000}, func(c *publish.Config) { c.AttemptTimeout = 300 * time.Millisecond })
	const n = 60
	errs := make(chan error, n)
	start := func(kind string, version int64) {
		_, err := r.svc.Publish(t.Context(), "acme", publish.Request{User: "u" + string(rune('0'+version%10)), Kind: kind, Version: version})
		errs <- err
	}
	for range n / 3 {
		go start("messages", 0)
	}
	r.srv.Restart(func() {
		for range n / 3 {
			go start("messages", 0)
		}
		for i := range n / 3 {
			go start("orders", int64(i%10)+1)
		}
		time.Sleep(500 * time.Millisecond)
	})
	for range n {
		if err := <-errs; err != nil {
			t.Errorf("publish: %v", err)
		}
	}
	if got := r.stored(t); got != 2*n/3+10 {
		t.Errorf("%d stored, want %d", got, 2*n/3+10)
	}
}

func TestUnavailable(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, func(c *publish.Config) {
		c.AttemptTimeout, c.MaxWait = 50*time.Millisecond, 200*time.Millisecond
	})
	r.srv.Shutdown()
	e := r.refuse(t, "acme", publish.Request{User: "u", Kind: "messages", ID: "x"}, connect.CodeUnavailable, "same id")
	if e.RetryAfter == 0 {
		t.Error("no advice when to repeat")
	}
	r.refuse(t, "acme", publish.Request{User: "u", Kind: "orders", Version: 1}, connect.CodeUnavailable, "same id")
}
