package inbox_test

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/inbox"
)

// A page that a current replica answered, and a replica that lags behind it:
// what the current one has pushed out of the log the other one still has. It
// must not be taken for a proof that the page has no hole.
func TestLaggingReplicaHidesNoHole(t *testing.T) {
	s := natstest.Run(t)
	nc := s.Conn(routing.RoleRouter, "r1")
	subject := routing.InboxSubject("acme", "u1", "messages")
	if _, err := nc.Subscribe("$JS.API.DIRECT.GET."+routing.StreamInbox, func(m *nats.Msg) {
		var req struct{ Seq, Batch int }
		if err := json.Unmarshal(m.Data, &req); err != nil {
			t.Error(err)
		}
		kept := []int{50, 60} // the current one
		if req.Seq == 1 {
			kept = []int{10, 20, 30, 40, 50}
		}
		replyWith(t, m, subject, kept[:min(req.Batch, len(kept))])
	}); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	reader := readerOf(t, s, 0)
	for since, needed := range map[int64]bool{25: true, 45: false} {
		p, err := reader.Since(t.Context(), "acme", "u1", "messages", since, inbox.Limits{})
		if err != nil || p.SnapshotNeeded != needed || len(p.Items) != 2 || p.Head != 60 {
			t.Errorf("since %d: %+v, %v: a snapshot needed: %v", since, p, err, needed)
		}
	}
}

// replyWith answers a direct get as a server does.
func replyWith(t *testing.T, m *nats.Msg, subject string, seqs []int) {
	t.Helper()
	last := 0
	for _, seq := range seqs {
		if err := m.RespondMsg(&nats.Msg{Header: nats.Header{
			"Nats-Subject": {subject}, "Nats-Sequence": {strconv.Itoa(seq)}, "Nats-Time-Stamp": {time.Now().Format(time.RFC3339Nano)},
			"Nats-Num-Pending": {"0"}, "Nats-Last-Sequence": {strconv.Itoa(last)},
		}}); err != nil {
			t.Error(err)
		}
		last = seq
	}
	if err := m.RespondMsg(&nats.Msg{Header: nats.Header{"Status": {"204"}, "Nats-Num-Pending": {"0"}, "Nats-Last-Sequence": {strconv.Itoa(last)}}}); err != nil {
		t.Error(err)
	}
}

// readerOf is a router's reader of the kind messages of acme; attempt is 0 for
// the usual time.
func readerOf(t *testing.T, s *natstest.Server, attempt time.Duration) *inbox.Reader {
	t.Helper()
	catalog, err := routing.NewCatalog([]routing.Tenant{{Name: "acme", Kinds: map[string]routing.Kind{"messages": {}}}})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := inbox.NewReader(inbox.Config{
		Conns: []*nats.Conn{s.Conn(routing.RoleRouter, "r2")}, Catalog: catalog, AttemptTimeout: attempt,
	})
	if err != nil {
		t.Fatal(err)
	}
	return reader
}
