package heartbeat

import (
	"errors"
	"math"
	"testing"
	"time"
)

func TestTemper(t *testing.T) {
	p := Path{Radio: Cell4G, Network: Network{1}}
	honest, stranger := NewLearner(t0, Options{}), NewLearner(t0, Options{})
	teachSafe(honest, p, 100, 500*time.Second)
	teachSafe(stranger, p, 400, 60*time.Second)
	stored, _ := honest.Export(t0, p)
	delta, _ := stranger.Export(t0, p)
	if w, err := Weigh(delta); err != nil || math.Abs(w.Tested-400) > 1 || !w.At.Equal(t0) || !w.Overrules.IsZero() {
		t.Errorf("the delta weighs %+v, %v; want 400 tested at %v", w, err, t0)
	}
	later := t0.Add(time.Hour)
	tempered, err := Temper(delta, later, 10, true)
	if err != nil {
		t.Fatal(err)
	}
	if w, err := Weigh(tempered); err != nil || math.Abs(w.Tested-10) > 0.1 || !w.At.Equal(later) {
		t.Errorf("tempered it weighs %+v, %v; want 10 tested at %v", w, err, later)
	}
	sum, err := Merge(stored, tempered)
	if err != nil {
		t.Fatal(err)
	}
	if w, _ := Weigh(sum); math.Abs(w.Tested-108) > 1 { // a hundred of an hour ago are 98
		t.Errorf("the sum weighs %+v, want 108 tested", w)
	}
	for _, bad := range [][]byte{nil, {2}, {1}} {
		if _, err := Temper(bad, later, 10, true); !errors.Is(err, ErrSnapshot) {
			t.Errorf("Temper(%x) = %v, want ErrSnapshot", bad, err)
		}
		if _, err := Weigh(bad); !errors.Is(err, ErrSnapshot) {
			t.Errorf("Weigh(%x) = %v, want ErrSnapshot", bad, err)
		}
	}
}

// An alarm takes back what was known, from a stranger it does not.
func TestTemperedAlarm(t *testing.T) {
	known := &record{at: 1000}
	alarm := &record{at: 1 << 40, alarmAt: 1 << 40, cap: 100, alarms: 1}
	for k := range buckets {
		known.kept[k], alarm.kept[k], alarm.died[k] = 50, 1, 4
	}
	at := time.Unix(2000, 0)
	for _, may := range []bool{true, false} {
		tempered, err := Temper(alarm.encode(), at, 1e9, may)
		if err != nil {
			t.Fatal(err)
		}
		if w, _ := Weigh(tempered); w.Overrules.IsZero() == may || w.Overrules.After(at) {
			t.Errorf("tempered, overruling %v, it weighs %+v", may, w)
		}
		sum, err := Merge(known.encode(), tempered)
		if err != nil {
			t.Fatal(err)
		}
		r, err := decode(sum)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.kept[buckets-1]; (got < 10) != may {
			t.Errorf("overruling %v, %v connections are left of 50", may, got)
		}
	}
}
