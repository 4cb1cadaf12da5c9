package edgelink_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/metric/metrictest"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/edgelink"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// got waits for n answers and returns them with the incarnation of the last
// batch.
func (r *script) got(n int) (answers []*linkpb.Answer, inc int64) {
	r.t.Helper()
	eventually(r.t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		answers, inc = nil, 0
		for _, b := range r.answers {
			answers, inc = append(answers, b.GetAnswers()...), b.GetIncarnation()
		}
		return len(answers) >= n
	}, func() any { return answers })
	if len(answers) > n {
		r.t.Fatalf("%d answers, want %d: %v", len(answers), n, answers)
	}
	return answers, inc
}

func TestEveryNotifyIsAnswered(t *testing.T) {
	e := start(t, nil)
	r := e.router("r1", 1, nil)
	r.follows(map[uint64]string{})
	r.notify(incarnation, 1, 2)
	r.got(2)
	r.notify(incarnation, 1)
	answers, inc := r.got(3)
	if inc != incarnation {
		t.Errorf("answered for incarnation %d", inc)
	}
	for _, a := range answers {
		if a.GetState() != linkpb.Answer_STATE_IN_FLIGHT || a.GetKind() != "messages" || a.GetVersion() != 9 || a.GetAcked() != 5 {
			t.Errorf("answer %v", a)
		}
	}
	if want := "1 r1 messages 9 8"; e.hub.notified[0] != want {
		t.Errorf("notified %q, want %q", e.hub.notified[0], want)
	}
	// The device acknowledges later.
	e.link.Answer("r1", edgelink.Answer{Conn: 1, Kind: "messages", State: edgelink.Acked, Acked: 9, Version: 9})
	answers, _ = r.got(4)
	if a := answers[3]; a.GetState() != linkpb.Answer_STATE_ACKED || a.GetAcked() != 9 {
		t.Errorf("answer %v", a)
	}
}

// A notify for an earlier process is answered in that process's name: a
// connection of today may have the same number.
func TestNotifyForAnotherIncarnation(t *testing.T) {
	e := start(t, nil)
	r := e.router("r1", 1, nil)
	r.follows(map[uint64]string{})
	r.notify(incarnation+1, 1) // a newer process's: not ours to answer
	r.notify(incarnation-1, 1, 2)
	answers, inc := r.got(2)
	if inc != incarnation-1 {
		t.Errorf("answered for incarnation %d, want %d", inc, incarnation-1)
	}
	for _, a := range answers {
		if a.GetState() != linkpb.Answer_STATE_GONE || a.GetVersion() != 9 {
			t.Errorf("answer %v", a)
		}
	}
	if len(e.hub.notified) != 0 {
		t.Errorf("sessions were notified: %v", e.hub.notified)
	}
	if got := metrictest.Value(t, e.reg, "hawser_edgelink_dropped_total", "notifies_of_newer_incarnation"); got != 1 {
		t.Errorf("%v dropped, want 1", got)
	}
}

// Answers are not kept for when NATS is back: the router asks again.
func TestAnswersAreLostWhileNATSIsAway(t *testing.T) {
	e := start(t, nil)
	r := e.router("r1", 1, nil)
	r.follows(map[uint64]string{})
	a := edgelink.Answer{Conn: 1, Kind: "messages", State: edgelink.Acked, Acked: 9, Version: 9}
	eventually(t, func() bool { return !e.link.Degraded() }, func() any { return "degraded" })
	e.srv.Restart(func() {
		eventually(t, e.link.Degraded, func() any { return "not degraded" })
		for range 100 {
			e.link.Answer("r1", a)
		}
		eventually(t, func() bool { return metrictest.Value(t, e.reg, "hawser_edgelink_dropped_total", "answers") == 100 },
			func() any { return metrictest.Value(t, e.reg, "hawser_edgelink_dropped_total", "answers") })
	})
	eventually(t, func() bool { return !e.link.Degraded() }, func() any { return "degraded" })
	r.notify(incarnation, 1)
	if answers, _ := r.got(1); answers[0].GetConn() != 1 {
		t.Errorf("answer %v", answers[0])
	}
}

func TestManyAnswersAreSplit(t *testing.T) {
	e := start(t, nil)
	r := e.router("r1", 1, nil)
	r.follows(map[uint64]string{})
	for c := range uint64(3000) {
		e.link.Answer("r1", edgelink.Answer{Conn: c, Kind: strings.Repeat("k", 64), State: edgelink.Gone, Version: 1})
	}
	r.got(3000)
	for _, b := range r.answers {
		if size := proto.Size(b); size > 32<<10 {
			t.Errorf("a batch has %d bytes", size)
		}
	}
}

// Messages that are not what they should be do no harm.
func TestMalformedMessages(t *testing.T) {
	e := start(t, nil)
	r := e.router("r1", 1, nil)
	r.follows(map[uint64]string{})
	for _, subject := range []string{
		routing.NotifySubject("e1"), routing.EchoSubject("e1"), routing.DumpRequestSubject("e1"), routing.BeatSubject("r1"),
	} {
		if err := r.nc.Publish(subject, []byte("\xff\xff")); err != nil {
			t.Fatal(err)
		}
	}
	r.do(func() {
		r.send(routing.NotifySubject("e1"), &linkpb.NotifyBatch{Router: "r.1", EdgeIncarnation: incarnation})
		r.send(routing.EchoSubject("e1"), &linkpb.Echo{Router: "*"})
		r.send(routing.DumpRequestSubject("e1"), &linkpb.DumpRequest{Router: ">"})
		r.send(routing.BeatSubject("r1"), &linkpb.RouterBeat{Router: "r2", Incarnation: 1, Complete: true})
	})
	eventually(t, func() bool { return metrictest.Value(t, e.reg, "hawser_edgelink_dropped_total", "malformed") == 8 },
		func() any { return metrictest.Value(t, e.reg, "hawser_edgelink_dropped_total", "malformed") })
	e.link.Answer("r.1", edgelink.Answer{Conn: 1})
	all := e.register(1, 2)
	e.verified(1, all)
}

const secret = "the-push-token"

func device() edgelink.Device {
	return edgelink.Device{
		Tenant: "acme", User: "u1", Device: "d1", Platform: "ios", App: "com.example.app", PushToken: secret, Epoch: 7, JWT: "jwt",
	}
}

// records answers device requests with the next of the given errors, and
// with none after them.
func (r *script) records(failures ...string) chan *linkpb.DeviceRequest {
	r.t.Helper()
	got := make(chan *linkpb.DeviceRequest, 100)
	_, err := r.nc.QueueSubscribe(routing.DeviceAll, routing.QueueRouters, func(msg *nats.Msg) {
		var req linkpb.DeviceRequest
		if err := proto.Unmarshal(msg.Data, &req); err != nil {
			r.t.Error(err)
		}
		got <- &req
		resp := &linkpb.DeviceResponse{}
		if len(failures) > 0 {
			resp.Error, failures = failures[0], failures[1:]
		}
		r.do(func() { r.send(msg.Reply, resp) })
	})
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.nc.Flush(); err != nil {
		r.t.Fatal(err)
	}
	return got
}

func TestDeviceIsStored(t *testing.T) {
	e := start(t, func(c *edgelink.Config) { c.Timing.Request = 20 * time.Second }) // a slow answer is not asked for again
	got := e.router("r1", 1, nil).records("try again", "and again")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	began := time.Now().UnixMilli()
	if err := e.link.PutDevice(ctx, device()); err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 {
		t.Errorf("asked %d times, want 3", len(got))
	}
	first := <-got
	rec := first.GetRecord()
	if first.GetUser() != "u1" || first.GetRemove() || rec.GetPushToken() != secret || rec.GetEpoch() != 7 || rec.GetApp() != "com.example.app" || rec.GetPlatform() != "ios" || first.GetToken() != "jwt" {
		t.Errorf("request %v", first)
	}
	if at := rec.GetRegisteredMs(); at < began-1000 || at > time.Now().UnixMilli()+1000 {
		t.Errorf("registered at %d", at)
	}
	if again := <-got; again.GetRecord().GetRegisteredMs() != rec.GetRegisteredMs() {
		t.Error("a repeated request counts from another time")
	}
	<-got
	if err := e.link.RemoveDevice(ctx, "acme", "u1", "d1", "jwt"); err != nil {
		t.Fatal(err)
	}
	if req := <-got; !req.GetRemove() || req.GetRecord() != nil || req.GetDevice() != "d1" || req.GetToken() != "jwt" {
		t.Errorf("request %v", req)
	}
}

func TestDeviceRequestsEndWithTheirContext(t *testing.T) {
	e := start(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err := e.link.PutDevice(ctx, device())
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("the error tells the token: %v", err)
	}
	bad := device()
	bad.User = "a.b"
	if err := e.link.PutDevice(t.Context(), bad); err == nil {
		t.Error("a bad user was taken")
	}
}
