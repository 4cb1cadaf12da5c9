package publish_test

import (
	"fmt"
	"sync"
	"testing"

	"connectrpc.com/connect"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/publish"
)

func order(user string, version int64, id string) publish.Request {
	return publish.Request{User: user, Kind: "orders", Version: version, ID: id, Item: fmt.Appendf(nil, "order %d", version)}
}

func TestBackendNumbers(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, nil)
	is := func(req publish.Request, version int64, duplicate bool) {
		t.Helper()
		if res := r.must(t, "acme", req); res.Version != version || res.Duplicate != duplicate {
			t.Errorf("%d %q: got %+v, want %d, duplicate %v", req.Version, req.ID, res, version, duplicate)
		}
	}
	is(order("u1", 5, "a"), 5, false)
	is(order("u1", 5, "a"), 5, true)
	is(order("u1", 5, ""), 5, true)
	is(order("u1", 6, ""), 6, false)
	is(order("u1", 9, "c"), 9, false)
	is(order("u1", 5, "a"), 5, true)  // A late repeat, after the head moved.
	is(order("u1", 12, "a"), 5, true) // The id decides, and nothing is stored.
	r.refuse(t, "acme", order("u1", 8, ""), connect.CodeFailedPrecondition, "already at 9")
	r.refuse(t, "acme", order("u1", 8, "new"), connect.CodeFailedPrecondition, "already at 9")
	r.refuse(t, "acme", order("u1", 9+publish.MaxJump+1, ""), connect.CodeInvalidArgument, "jump")
	is(order("u1", 9+publish.MaxJump, ""), 9+publish.MaxJump, false)
	is(order("u2", wire.MaxVersion, "a"), wire.MaxVersion, false)
	if n := r.stored(t); n != 5 {
		t.Errorf("%d stored, want 5", n)
	}
}

// A repeat whose first event is no longer kept is not taken for stored.
func TestRepeatOfTrimmed(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, nil)
	r.must(t, "acme", order("u1", 1, "first"))
	for v := range int64(routing.MinKeep) {
		r.must(t, "acme", order("u1", v+2, ""))
	}
	r.refuse(t, "acme", order("u1", 1, "first"), connect.CodeFailedPrecondition, "already at 17")
	r.refuse(t, "acme", order("u1", 99, "first"), connect.CodeFailedPrecondition, "new id")
}

// Publishers that number at once are put in order by the log: each version
// is either stored or refused, and versions only rise.
func TestConcurrentPublishers(t *testing.T) {
	r := newRig(t, routing.StreamOptions{Keep: 100}, nil)
	var wg sync.WaitGroup
	for v := range int64(24) {
		wg.Go(func() {
			_, err := r.svc.Publish(t.Context(), "acme", order("u1", v+1, ""))
			if err != nil && publish.AsError(err).Code != connect.CodeFailedPrecondition {
				t.Errorf("version %d: %v", v+1, err)
			}
		})
	}
	wg.Wait()
	last := int64(0)
	s, err := r.js.Stream(t.Context(), routing.StreamInbox)
	if err != nil {
		t.Fatal(err)
	}
	st := s.CachedInfo().State
	for seq := st.FirstSeq; seq <= st.LastSeq; seq++ {
		m, err := s.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		e, err := routing.ParseEvent(m.Subject, m.Header, m.Data, m.Sequence, m.Time)
		if err != nil || e.Version <= last {
			t.Fatalf("message %d has version %d after %d (%v)", seq, e.Version, last, err)
		}
		last = e.Version
	}
	if last != 24 {
		t.Errorf("head is %d, want 24", last)
	}
}
