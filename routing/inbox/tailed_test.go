package inbox

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing"
)

// message is an event of a user as it lies in the log.
func message(user string, seq uint64, size int) stored {
	e := routing.Event{Tenant: "acme", User: user, Kind: "messages", ID: fmt.Sprint(seq), Item: make([]byte, size)}
	m := e.Message()
	return stored{subject: m.Subject, header: nats.Header(m.Header), data: m.Data, seq: seq}
}

// A log that was made anew begins far above the old one, whose last events
// nobody has any more: what a device lacks of them must not go unsaid.
func TestTailNoticesANewLog(t *testing.T) {
	tail := newTailed(1000)
	if err := tail.add([]stored{message("u1", 1001, 1), message("u1", 1007, 1)}); err != nil {
		t.Fatal(err)
	}
	if err := tail.add([]stored{message("u1", 1008, 1), message("u1", 1008+2*tailGap, 1)}); err == nil {
		t.Error("a leap was taken for the same log")
	}
}

// What is remembered is bounded, and what was dropped is not denied.
func TestTailIsBounded(t *testing.T) {
	tail := newTailed(1000)
	const size = 1 << 20
	seq := uint64(1000)
	for range 2 * tailBytes / size {
		seq++
		if err := tail.add([]stored{message(fmt.Sprint("u", seq), seq, size)}); err != nil {
			t.Fatal(err)
		}
	}
	if tail.bytes > tailBytes || len(tail.kinds) != len(tail.order) {
		t.Errorf("%d bytes of %d messages of %d kinds are remembered", tail.bytes, len(tail.order), len(tail.kinds))
	}
	l := Limits{MinSeq: seq}.withDefaults()
	first, last := fmt.Sprint("u", 1001), fmt.Sprint("u", seq)
	if p, ok := tail.page(routing.InboxSubject("acme", first, "messages"), 1001, l); ok {
		t.Errorf("what was dropped is answered: %+v", p)
	}
	if p, ok := tail.page(routing.InboxSubject("acme", last, "messages"), seq, l); !ok || p.Head != int64(seq) {
		t.Errorf("the last one: %+v, %v", p, ok)
	}
	for range tailMessages + 10 {
		seq++
		if err := tail.add([]stored{message("hot", seq, 1)}); err != nil {
			t.Fatal(err)
		}
	}
	if len(tail.order) > tailMessages || len(tail.kinds) != 1 {
		t.Errorf("%d messages of %d kinds are remembered", len(tail.order), len(tail.kinds))
	}
}
