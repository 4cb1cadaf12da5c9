package inbox_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/inbox"
)

// walked are the versions of all that the log has since a time.
func (r *rig) walked(since time.Time) (versions []int64) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	err := r.reader.Walk(ctx, since, func(e routing.Event) bool {
		versions = append(versions, e.Version)
		return true
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return versions
}

func TestWalk(t *testing.T) {
	// Without users: routers may not purge the log.
	r := newRigOn(t, routing.StreamOptions{}, natstest.Run(t))
	began := time.Now().Add(-time.Minute)
	if got := r.walked(began); len(got) != 0 {
		t.Errorf("an empty log has %v", got)
	}
	var want []int64
	for i := range 1500 { // more than an answer has
		want = append(want, r.put("acme", "u"+string('a'+rune(i%26))+string('a'+rune(i/26%26)), "messages", 0, nil))
	}
	if got := r.walked(began); !slices.Equal(got, want) {
		t.Errorf("%d events, want %d in order", len(got), len(want))
	}

	s, err := r.js.Stream(t.Context(), routing.StreamInbox)
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.GetMsg(t.Context(), uint64(want[700]))
	if err != nil {
		t.Fatal(err)
	}
	if got := r.walked(m.Time); !slices.Equal(got, want[700:]) {
		t.Errorf("%d events since the 701st, want %d", len(got), len(want)-700)
	}
	n := 0
	if err := r.reader.Walk(t.Context(), began, func(routing.Event) bool { n++; return n < 3 }); err != nil || n != 3 {
		t.Errorf("went on to %d: %v", n, err)
	}
	// The end is gone: it does not wait for it for ever.
	if err := s.Purge(t.Context(), jetstream.WithPurgeSequence(uint64(want[1499])+1)); err != nil {
		t.Fatal(err)
	}
	if got := r.walked(began); len(got) != 0 {
		t.Errorf("a log that was emptied has %v", got)
	}
}

func TestWalkWithoutNATS(t *testing.T) {
	r := newRig(t, routing.StreamOptions{})
	r.nc.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := r.reader.Walk(ctx, time.Now(), nil); !errors.Is(err, inbox.ErrUnavailable) {
		t.Error(err)
	}
}
