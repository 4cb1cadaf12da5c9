package edgelink

import (
	"slices"
	"testing"
)

// A device that acknowledges before its notify was answered needs one answer;
// nothing else that a router would learn is left out.
func TestAnswersTakeTheFormerOnesPlace(t *testing.T) {
	inFlight := Answer{Conn: 1, Kind: "messages", State: InFlight, Acked: 5, Version: 9}
	acked := Answer{Conn: 1, Kind: "messages", State: Acked, Acked: 9, Version: 9}
	late := Answer{Conn: 1, Kind: "messages", State: InFlight, Acked: 5, Version: 8}
	next := Answer{Conn: 1, Kind: "messages", State: InFlight, Acked: 9, Version: 10}
	gone := Answer{Conn: 1, Kind: "messages", State: Gone, Version: 10}
	other := Answer{Conn: 1, Kind: "account", State: Acked, Acked: 9, Version: 9}
	neighbour := Answer{Conn: 2, Kind: "messages", State: Acked, Acked: 9, Version: 9}
	for name, c := range map[string]struct{ given, sent []Answer }{
		"acknowledged at once":     {[]Answer{inFlight, acked}, []Answer{acked}},
		"notified again":           {[]Answer{inFlight, inFlight}, []Answer{inFlight}},
		"notified of more":         {[]Answer{inFlight, next}, []Answer{next}},
		"overtaken":                {[]Answer{acked, late}, []Answer{acked, late}},
		"an older notify":          {[]Answer{inFlight, late}, []Answer{inFlight, late}},
		"acknowledged, then more":  {[]Answer{acked, next}, []Answer{acked, next}},
		"gone after it had some":   {[]Answer{next, gone}, []Answer{next, gone}},
		"gone is never taken back": {[]Answer{gone, next}, []Answer{gone, next}},
		"another kind":             {[]Answer{inFlight, other}, []Answer{inFlight, other}},
		"another session":          {[]Answer{inFlight, neighbour}, []Answer{inFlight, neighbour}},
	} {
		q := newAnswerQueue()
		to := answersTo{"r1", 1}
		for _, a := range c.given {
			if _, ok := q.push(to, a); !ok {
				t.Errorf("%s: an answer was refused", name)
			}
		}
		if q.count != len(c.sent) {
			t.Errorf("%s: %d answers are counted, want %d", name, q.count, len(c.sent))
		}
		if got := q.take()[to].answers; !slices.Equal(got, c.sent) {
			t.Errorf("%s: sends %v, want %v", name, got, c.sent)
		}
	}
}

// What another router, or an earlier process of the edge, is told stays apart.
func TestAnswersAreApartByRouter(t *testing.T) {
	q := newAnswerQueue()
	a := Answer{Conn: 1, Kind: "messages", State: InFlight, Version: 9}
	for _, to := range []answersTo{{"r1", 1}, {"r2", 1}, {"r1", 2}} {
		q.push(to, a)
	}
	if w := q.take(); len(w) != 3 || q.count != 0 {
		t.Errorf("%d are answered, %d answers left", len(w), q.count)
	}
}

// Only the first one that waits sets the timer: another that did would put off
// them all.
func TestOnlyTheFirstAnswerSetsTheTimer(t *testing.T) {
	q := newAnswerQueue()
	to := answersTo{"r1", 1}
	a := Answer{Conn: 1, Kind: "messages", State: InFlight, Version: 9}
	for i, want := range []bool{true, false, false} {
		if first, ok := q.push(to, a); first != want || !ok {
			t.Errorf("answer %d: first %v, taken %v", i, first, ok)
		}
	}
	q.take()
	if first, _ := q.push(to, a); !first {
		t.Error("after what waited was taken nobody sets the timer")
	}
}

// The room of what was sent is used again, what was in it is not, and who was
// not answered for a while has none.
func TestAnswersAreSentOnce(t *testing.T) {
	q := newAnswerQueue()
	old, now := answersTo{"r1", 1}, answersTo{"r1", 2}
	for round, to := range []answersTo{old, old, now, now, now, now} {
		a := Answer{Conn: uint64(round), Kind: "messages", State: Gone, Version: 9}
		q.push(to, a)
		w := q.take()
		if got := w[to].answers; !slices.Equal(got, []Answer{a}) {
			t.Errorf("round %d: %v", round, got)
		}
		if round == 5 && len(w) != 1 {
			t.Errorf("%d routers have room, one is answered", len(w))
		}
		q.done(w)
	}
}

func BenchmarkAnswers(b *testing.B) {
	q := newAnswerQueue()
	to := answersTo{"r1", 1}
	b.ReportAllocs()
	for n := range b.N {
		q.push(to, Answer{Conn: uint64(n), Kind: "messages", State: InFlight, Version: 9})
		q.push(to, Answer{Conn: uint64(n), Kind: "messages", State: Acked, Acked: 9, Version: 9})
		if n%64 == 63 {
			q.done(q.take())
		}
	}
}
