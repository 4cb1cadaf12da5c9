package heartbeat

import (
	"math"
	"time"
)

// Weight is how much a snapshot claims.
type Weight struct {
	// At is when its last evidence is of.
	At time.Time
	// Tested are the connections that it says showed something, deaths or
	// not, as they weigh at At.
	Tested float64
	// Overrules is when it last found that the network had changed, which
	// takes back what was known before; zero: never.
	Overrules time.Time
}

// Weigh reads a snapshot. An error wraps ErrSnapshot.
func Weigh(snapshot []byte) (Weight, error) {
	r, err := decode(snapshot)
	if err != nil {
		return Weight{}, err
	}
	w := Weight{At: date(r.at)}
	w.Tested = r.claims()
	if r.alarmAt > 0 {
		w.Overrules = date(r.alarmAt)
	}
	if r.renewedAt > r.alarmAt {
		w.Overrules = date(r.renewedAt)
	}
	return w, nil
}

// Temper makes of a snapshot that is not to be believed without limit one that
// may be merged. It dates it to at, without ageing it, and takes from all its
// evidence, deaths and others alike, the same share, so that Tested is most or
// less. Unless it may overrule, nothing in it takes back what it is merged
// with. For edges at a TimeScale of 1. An error wraps ErrSnapshot.
func Temper(snapshot []byte, at time.Time, most float64, overrule bool) ([]byte, error) {
	r, err := decode(snapshot)
	if err != nil {
		return nil, err
	}
	r.at = float64(at.Unix())
	if tested := r.claims(); tested > most {
		part := float32(max(most, 0) / tested)
		for k := range r.kept {
			r.kept[k] *= part
			r.died[k] *= part
			r.from[k] *= part
		}
	}
	if !overrule {
		r.alarmAt, r.cap, r.alarms = 0, 0, 0
		r.renewedAt, r.renewedFrom = 0, 0
	}
	r.alarmAt, r.renewedAt = min(r.alarmAt, r.at), min(r.renewedAt, r.at)
	return r.encode(), nil
}

// claims is how many connections showed something.
func (r *record) claims() float64 {
	tested, deaths := r.weight()
	return tested + deaths
}

// date is a time of a snapshot.
func date(seconds float64) time.Time {
	whole, rest := math.Modf(seconds)
	return time.Unix(int64(whole), int64(rest*1e9))
}
