package session

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
)

// What a quiet session keeps of its kinds is what it had.
func TestQuietKeepsKinds(t *testing.T) {
	srv := mustServer(t)
	random := rand.New(rand.NewPCG(1, 2))
	number := func() int64 {
		if random.IntN(3) == 0 {
			return 0
		}
		return random.Int64N(wire.MaxVersion) >> random.IntN(50)
	}
	for range 2000 {
		s := &session{serving: &serving{srv: srv}, profile: &profile{kinds: wire.Kinds{"contacts", "messages"}}}
		s.lock()
		var want []kindState
		for _, name := range []string{"messages", "unknown-to-the-edge", "contacts"}[:random.IntN(4)] {
			k := s.newKindLocked(name)
			k.known = number()
			k.acked = min(number(), k.known)
			k.sent, k.claimed, k.claimedAt = number(), number(), time.Duration(random.Int64N(1e15))-claimFor
			if k.claimed <= k.acked {
				k.claimed, k.claimedAt = 0, 0 // says nothing
			}
			want = append(want, *k)
		}
		s.unlock()
		if s.busy != nil {
			t.Fatal("nothing is under way, and it is not quiet")
		}
		s.lock()
		if got := s.states; !reflect.DeepEqual(append([]kindState(nil), got...), want) {
			t.Fatalf("%+v became %+v", want, got)
		}
		s.unlock()
	}
}

// The same again allocates nothing.
func TestBeatsOfQuietSessionsAllocateNothing(t *testing.T) {
	srv := mustServer(t)
	s := &session{serving: &serving{srv: srv}, profile: &profile{kinds: wire.Kinds{"contacts", "messages"}}}
	s.lock()
	s.newKindLocked("messages").known = 7
	s.unlock()
	if n := testing.AllocsPerRun(1000, func() { s.lock(); s.unlock() }); n > 0.1 {
		t.Errorf("%.2f allocations", n)
	}
}

// A writer that was held up goes on behind the Close frame, not with it again.
func TestCloseIsTakenOnce(t *testing.T) {
	s := &session{serving: &serving{srv: mustServer(t)}, profile: &profile{}}
	s.lock()
	s.out.writing, s.over, s.out.last = true, endSuperseded, endSuperseded.frame()
	s.unlock()
	b, last := s.take(nil)
	if f, err := wire.NewReader(bytes.NewReader(b), wire.MaxPayload).Next(); err != nil || f.Type() != wire.TypeClose || !last {
		t.Fatalf("%v, %v, %v", f, err, last)
	}
	if b, last := s.take(nil); len(b) != 0 || !last {
		t.Errorf("then %x, %v", b, last)
	}
}
