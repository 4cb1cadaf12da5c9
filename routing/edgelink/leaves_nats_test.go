package edgelink_test

import (
	"testing"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/edgelink"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// A device that acknowledges and leaves at once: a router hears of it in this
// order, or it has pushed what the device has.
func TestAcknowledgedBeforeItLeft(t *testing.T) {
	e := start(t, nil)
	r := e.router("r1", 1, nil)
	nc := e.srv.Conn(routing.RoleRouter, "r2")
	heard := make(chan *nats.Msg, 1000)
	if _, err := nc.ChanSubscribe(routing.SessionsAll, heard); err != nil {
		t.Fatal(err)
	}
	if _, err := nc.ChanSubscribe(routing.AnswersTo("r2"), heard); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	const conns = 20
	for conn := uint64(1); conn <= conns; conn++ {
		r.follows(e.register(conn, conn))
		e.link.Answer("r2", edgelink.Answer{Conn: conn, Kind: "messages", State: edgelink.Acked, Acked: 9, Version: 9})
		e.link.Unregister(conn)
		r.follows(map[uint64]string{})
	}
	answered := map[uint64]bool{}
	for left := 0; left < conns; {
		m := <-heard
		if b := (&linkpb.AnswerBatch{}); m.Subject == routing.AnswerSubject("r2", "e1") {
			if err := proto.Unmarshal(m.Data, b); err != nil {
				t.Fatal(err)
			}
			for _, a := range b.GetAnswers() {
				answered[a.GetConn()] = true
			}
			continue
		}
		b := &linkpb.SessionBatch{}
		if err := proto.Unmarshal(m.Data, b); err != nil {
			t.Fatal(err)
		}
		for _, conn := range b.GetRemoved() {
			if left++; !answered[conn] {
				t.Errorf("session %d left before its answer", conn)
			}
		}
	}
}

// A device that comes again while its last session is there: a router hears of
// the new one before it hears that the old one is gone, or it takes the device
// for away and has it pushed.
func TestBackBeforeGone(t *testing.T) {
	e := start(t, nil)
	r := e.router("r1", 1, nil)
	nc := e.srv.Conn(routing.RoleRouter, "r2")
	heard := make(chan *nats.Msg, 1000)
	for _, subject := range []string{routing.SessionsAll, routing.AnswersTo("r2")} {
		if _, err := nc.ChanSubscribe(subject, heard); err != nil {
			t.Fatal(err)
		}
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	const times = 20
	r.follows(e.register(1, 1))
	for conn := uint64(1); conn <= times; conn++ {
		want := e.register(conn+1, conn+1)
		e.link.Unregister(conn)
		e.link.Answer("r2", edgelink.Answer{Conn: conn, Kind: "messages", State: edgelink.Gone, Version: 9})
		r.follows(want)
	}
	there := map[uint64]bool{}
	for gone := 0; gone < times; {
		m := <-heard
		if b := (&linkpb.AnswerBatch{}); m.Subject == routing.AnswerSubject("r2", "e1") {
			if err := proto.Unmarshal(m.Data, b); err != nil {
				t.Fatal(err)
			}
			for _, a := range b.GetAnswers() {
				if gone++; !there[a.GetConn()+1] {
					t.Errorf("session %d is gone before %d is there", a.GetConn(), a.GetConn()+1)
				}
			}
			continue
		}
		b := &linkpb.SessionBatch{}
		if err := proto.Unmarshal(m.Data, b); err != nil {
			t.Fatal(err)
		}
		for _, s := range b.GetAdded() {
			there[s.GetConn()] = true
		}
	}
}
