package inbox_test

import (
	"context"
	"encoding/json"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/inbox"
)

// A server that stands still is believed until pings have gone unanswered. What
// it does not answer is asked of another one meanwhile, and so is what comes
// after that.
func TestReadsGoRoundAServerThatStandsStill(t *testing.T) {
	r := newRig(t, routing.StreamOptions{})
	want := r.put("acme", "u1", "messages", 0, []byte("item"))
	line := natstest.NewLine(t, strings.TrimPrefix(r.srv.URL(), "nats://"))
	still := r.srv.Conn(routing.RoleRouter, "r1", nats.SetCustomDialer(over{line}))
	reader, err := inbox.NewReader(inbox.Config{Conns: []*nats.Conn{still, r.nc}, Catalog: r.cat, AttemptTimeout: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	line.Cut()
	asked, began := still.Stats().OutMsgs, time.Now()
	for range 60 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		p, err := reader.Since(ctx, "acme", "u1", "messages", 0, inbox.Limits{})
		cancel()
		if err != nil || p.Head != want {
			t.Fatalf("%+v, %v, want head %d", p, err, want)
		}
	}
	if n := still.Stats().OutMsgs - asked; n > 5+uint64(time.Since(began).Seconds()) {
		t.Errorf("asked the server that stands still %d times in %v", n, time.Since(began))
	}
}

// over dials a line, whoever is asked for.
type over struct{ line *natstest.Line }

func (o over) Dial(network, _ string) (net.Conn, error) {
	return net.Dial(network, strings.TrimPrefix(o.line.URL(), "nats://"))
}

// replyUpTo answers a question for heads as a server does whose log ends with
// the head.
func replyUpTo(t *testing.T, m *nats.Msg, subject string, head int) {
	t.Helper()
	last := strconv.Itoa(head)
	for _, h := range []nats.Header{
		{"Nats-Subject": {subject}, "Nats-Sequence": {last}, "Nats-Time-Stamp": {time.Now().Format(time.RFC3339Nano)}},
		{"Status": {"204"}, "Nats-Last-Sequence": {last}, "Nats-UpTo-Sequence": {last}},
	} {
		if err := m.RespondMsg(&nats.Msg{Header: h}); err != nil {
			t.Error(err)
		}
	}
}

// What a router was handed of a user's kind is in its answers; where it is, one
// question is enough, whatever else the log has.
func TestAnswersReachTheFloor(t *testing.T) {
	s := natstest.Run(t)
	nc := s.Conn(routing.RoleRouter, "r1")
	subject := routing.InboxSubject("acme", "u1", "messages")
	var asked atomic.Int64
	if _, err := nc.Subscribe("$JS.API.DIRECT.GET."+routing.StreamInbox, func(m *nats.Msg) {
		asked.Add(1)
		var req struct {
			MultiLast []string `json:"multi_last"`
		}
		if err := json.Unmarshal(m.Data, &req); err != nil {
			t.Error(err)
		}
		if len(req.MultiLast) > 0 {
			replyUpTo(t, m, subject, 30)
			return
		}
		replyWith(t, m, subject, []int{10, 20}) // a replica that lags
	}); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	reader := readerOf(t, s, 0)
	floors := inbox.NewFloors()
	for _, tt := range []struct {
		handed          uint64
		head, questions int64
		more            bool
	}{{0, 30, 2, true}, {20, 20, 1, false}, {30, 30, 2, true}, {25, 30, 2, true}} {
		floors.Raise("acme", "u1", "messages", tt.handed)
		asked.Store(0)
		p, err := reader.Since(t.Context(), "acme", "u1", "messages", 10, inbox.Limits{MinSeq: 30, KindSeq: floors.Of("acme", "u1", "messages")})
		if err != nil || p.Head != tt.head || p.More != tt.more || len(p.Items) != 1 || asked.Load() != tt.questions {
			t.Errorf("handed %d: %+v, %v after %d questions", tt.handed, p, err, asked.Load())
		}
	}
}
