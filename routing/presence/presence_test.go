package presence_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats"
	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/presence"
)

func TestCheck(t *testing.T) {
	ns, err := embednats.Start(embednats.Options{Users: []routing.User{
		{Role: routing.RolePush, Label: "p1", Password: "push"},
		{Role: routing.RoleRouter, Label: "r1", Password: "router"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Shutdown()
	pushConn, err := ns.Connect(routing.RolePush, "p1")
	if err != nil {
		t.Fatal(err)
	}
	defer pushConn.Close()
	client := presence.New(pushConn, "p1")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	q := presence.Question{Tenant: "t", User: "u", Device: "d", Kind: "k", Version: 7}

	if s, err := client.Check(ctx, q); s != presence.Unknown || !errors.Is(err, presence.ErrNoRouter) {
		t.Errorf("without a router: %v, %v, want Unknown and ErrNoRouter", s, err)
	}

	answer := serve(t, ns)
	for sent, want := range map[linkpb.CheckResponse_State]presence.State{
		linkpb.CheckResponse_STATE_UNSPECIFIED: presence.Unknown,
		linkpb.CheckResponse_STATE_AWAY:        presence.Away,
		linkpb.CheckResponse_STATE_DOUBTFUL:    presence.Doubtful,
		linkpb.CheckResponse_STATE_COVERED:     presence.Covered,
		linkpb.CheckResponse_STATE_IN_FLIGHT:   presence.InFlight,
		linkpb.CheckResponse_STATE_FETCHING:    presence.Fetching,
		99:                                     presence.Unknown,
	} {
		answer <- sent
		if got, err := client.Check(ctx, q); got != want || err != nil {
			t.Errorf("answer %v: %v, %v, want %v", sent, got, err, want)
		}
	}

	ended, stop := context.WithCancel(ctx)
	stop()
	if _, err := client.Check(ended, q); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context ended: %v", err)
	}
}

// serve answers checks as a router does, each with the next state given.
func serve(t *testing.T, ns *embednats.Server) chan<- linkpb.CheckResponse_State {
	t.Helper()
	nc, err := ns.Connect(routing.RoleRouter, "r1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	answers := make(chan linkpb.CheckResponse_State, 1)
	_, err = nc.QueueSubscribe(routing.CheckAll, routing.QueueRouters, func(m *nats.Msg) {
		var q linkpb.CheckRequest
		if err := proto.Unmarshal(m.Data, &q); err != nil || q.GetVersion() != 7 || q.GetDevice() != "d" {
			t.Errorf("the router was asked %v, %v", &q, err)
		}
		body, _ := proto.Marshal(&linkpb.CheckResponse{State: <-answers})
		if err := m.Respond(body); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	return answers
}
