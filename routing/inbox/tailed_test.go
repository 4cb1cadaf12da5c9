package inbox

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing"
)

// message is an event of a user as it lies in the log.
func message(user string, seq uint64, size int) stored {
	e := routing.Event{Tenant: "acme", User: user, Kind: "messages", ID: fmt.Sprint(seq), Item: make([]byte, size)}
	m := e.Message()
	return stored{subject: m.Subject, header: nats.Header(m.Header), data: m.Data, seq: seq, at: time.Unix(int64(seq), 0)}
}

// What is read follows the message that was read last, or it is of another log:
// one made anew, or one that went back and took in others since.
func TestTailNoticesAnotherLog(t *testing.T) {
	now := time.Now()
	tail := newTailed(1000)
	read := func(msgs ...stored) error { return tail.add(msgs, now) }
	if err := read(message("u1", 1001, 1), message("u1", 1007, 1)); err != nil {
		t.Fatal(err)
	}
	if err := read(message("u1", 1007, 1), message("u2", 1008, 1)); err != nil {
		t.Fatal(err)
	}
	other := message("u2", 1008, 1)
	other.at = other.at.Add(time.Microsecond)
	for name, msgs := range map[string][]stored{
		"another user's": {message("u1", 1008, 1), message("u1", 1009, 1)},
		"another one":    {other, message("u1", 1009, 1)},
		"none":           {message("u1", 1009, 1)},
	} {
		if err := read(msgs...); !errors.Is(err, errOtherLog) {
			t.Errorf("%s in the place of the last one: %v", name, err)
		}
	}
	if err := read(); err != nil {
		t.Errorf("a replica that lags: %v", err)
	}
	now = now.Add(tailLag)
	if err := read(); !errors.Is(err, errBehind) {
		t.Errorf("a log that ends before: %v", err)
	}
	if tail.to != 1008 {
		t.Errorf("read up to %d", tail.to)
	}
}

// A busy user pushes the message that was read last out of the log. That is no
// reason to begin anew, and nothing is taken for the log that is not.
func TestTailOutlivesBusyUsers(t *testing.T) {
	now := time.Now()
	tail := newTailed(1000)
	seq := uint64(1001)
	var log []stored
	grow := func(user string, n int) {
		for range n {
			log = append(log, message(user, seq, 1))
			seq++
		}
	}
	// answer is what the log has from begin on: of each user routing.MinKeep.
	answer := func() (msgs []stored) {
		for i, m := range log {
			newer := 0
			for _, o := range log[i+1:] {
				if o.subject == m.subject {
					newer++
				}
			}
			if m.seq >= tail.begin() && newer < routing.MinKeep {
				msgs = append(msgs, m)
			}
		}
		return msgs
	}
	grow("u1", 1)
	for round := range 20 {
		grow("hot", 2*routing.MinKeep)
		if err := tail.add(answer(), now); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		now = now.Add(time.Minute / 10)
	}
	if _, ok := tail.page(routing.InboxSubject("acme", "u1", "messages"), 1000, Limits{}.withDefaults()); !ok {
		t.Error("what was read first is not remembered")
	}
	// The log loses its last message and takes in few others.
	log, seq = log[:len(log)-1], seq-1
	grow("u2", 1)
	if err := tail.add(answer(), now); !errors.Is(err, errOtherLog) {
		t.Errorf("a log that went back: %v", err)
	}
	log = log[:len(log)-1]
	if err := tail.add(answer(), now); !errors.Is(err, errBehind) {
		t.Errorf("a log that ends before: %v", err)
	}
}

// Nothing is remembered for longer than a user is forgotten.
func TestTailForgetsWithTime(t *testing.T) {
	now := time.Now()
	tail := newTailed(1000)
	if err := tail.add([]stored{message("u1", 1001, 1)}, now); err != nil {
		t.Fatal(err)
	}
	if err := tail.add([]stored{message("u1", 1001, 1)}, now.Add(tailAge+time.Second)); err != nil {
		t.Fatal(err)
	}
	if p, ok := tail.page(routing.InboxSubject("acme", "u1", "messages"), 1000, Limits{}.withDefaults()); ok {
		t.Errorf("%+v", p)
	}
	if len(tail.order)+len(tail.kinds) > 0 {
		t.Errorf("%d messages of %d kinds are left", len(tail.order), len(tail.kinds))
	}
}

// However many users are forgotten at once, nobody is remembered who was, and
// all are in the end.
func TestForgotten(t *testing.T) {
	var f forgotten
	now := time.Now()
	user := func(i int) User { return User{"acme", fmt.Sprint(i)} }
	for i := range 3*maxForgotten + 7 {
		now = now.Add(time.Millisecond)
		f.add(user(i), now)
	}
	f.add(user(1), now)
	for i := range 3*maxForgotten + 7 {
		if !f.has(user(i), now.Add(tailAge)) {
			t.Fatalf("user %d is remembered", i)
		}
	}
	if len(f.until) > maxForgotten || len(f.order) > maxForgotten {
		t.Errorf("%d users in %d places", len(f.until), len(f.order))
	}
	now = now.Add(forgottenFor)
	if f.has(user(1), now) || f.has(user(3*maxForgotten), now) {
		t.Error("forgotten for good")
	}
	f.add(user(0), now)
	if len(f.until) != 1 || len(f.order) != 1 {
		t.Errorf("%d users in %d places", len(f.until), len(f.order))
	}
}

// What is remembered is bounded, and what was dropped is not denied.
func TestTailIsBounded(t *testing.T) {
	tail := newTailed(1000)
	const size = 1 << 20
	seq := uint64(1000)
	var end []stored
	grow := func(user string, size int) {
		t.Helper()
		seq++
		m := message(user, seq, size)
		if err := tail.add(append(end, m), time.Now()); err != nil {
			t.Fatal(err)
		}
		end = []stored{m}
	}
	for range 2 * tailBytes / size {
		grow(fmt.Sprint("u", seq+1), size)
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
		grow("hot", 1)
	}
	if len(tail.order) > tailMessages || len(tail.kinds) != 1 {
		t.Errorf("%d messages of %d kinds are remembered", len(tail.order), len(tail.kinds))
	}
}
