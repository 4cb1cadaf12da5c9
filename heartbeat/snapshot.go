package heartbeat

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// MaxSnapshot is the greatest length of a snapshot in bytes.
const MaxSnapshot = 1 << 10

// ErrSnapshot is wrapped by the errors of bytes that are no snapshot.
var ErrSnapshot = errors.New("heartbeat: not a snapshot")

// A snapshot is its version, one byte; then, as unsigned varints, the time of
// its evidence; of the last alarm the time, the cap and how many there were;
// the first bucket that follows and how many; and for each of these kept and
// died in units of unit; then the time of the last renewal and from what silence
// on; then the buckets that from is not zero in: how many, and for each how many
// lie between it and the one before, and from in units. The last two may be left
// out. Times are seconds since 1970 in the engine's scale, silences seconds of
// it. Bytes behind that belong to later versions of 1 and are ignored.
const (
	snapshotVersion = 1
	unit            = 1.0 / 32
	maxEvidence     = 1e6 // of a bucket
	maxAlarms       = 1 << 20
	maxTime         = 1 << 50
)

// record is a snapshot that was read.
type record struct {
	evidence
	at      float64
	alarmAt float64
	cap     float64
	alarms  uint32

	renewedAt, renewedFrom float64
}

func (r *record) encode() []byte {
	b := append(make([]byte, 0, 256), snapshotVersion)
	for _, v := range []float64{r.at, r.alarmAt, r.cap, float64(r.alarms)} {
		b = binary.AppendUvarint(b, uint64(max(v, 0)))
	}
	first, last := 0, buckets-1
	for first < buckets && quantum(r.kept[first]) == 0 && quantum(r.died[first]) == 0 {
		first++
	}
	for last > first && quantum(r.kept[last]) == 0 && quantum(r.died[last]) == 0 {
		last--
	}
	count := max(last-first+1, 0)
	b = append(b, byte(first), byte(count))
	for k := first; k < first+count && k < buckets; k++ {
		b = binary.AppendUvarint(b, quantum(r.kept[k]))
		b = binary.AppendUvarint(b, quantum(r.died[k]))
	}
	tail := r.encodeFrom(nil)
	if len(b)+maxRenewal+len(tail) > MaxSnapshot {
		tail = nil // it is known less well then where they died
	}
	if r.renewedAt > 0 || len(tail) > 0 {
		b = binary.AppendUvarint(b, uint64(max(r.renewedAt, 0)))
		b = binary.AppendUvarint(b, uint64(max(r.renewedFrom, 0)))
	}
	return append(b, tail...)
}

// maxRenewal is how many bytes a renewal has at most.
const maxRenewal = 8 + 3

// encodeFrom appends from, nothing where it is zero.
func (r *record) encodeFrom(b []byte) []byte {
	count, next := 0, 0
	for k := range r.from {
		if n := quantum(r.from[k]); n > 0 {
			b = binary.AppendUvarint(append(b, byte(k-next)), n)
			count, next = count+1, k+1
		}
	}
	if count == 0 {
		return nil
	}
	return append([]byte{byte(count)}, b...)
}

// decodeFrom reads it.
func (r *record) decodeFrom(d *varints) {
	next := 0
	for range int(d.next(buckets)) {
		k := next + int(d.next(buckets))
		if k >= buckets {
			d.bad = true
			return
		}
		r.from[k], next = float32(d.next(maxEvidence/unit)*unit), k+1
	}
}

// quantum is a number in units, at most maxEvidence of it.
func quantum(x float32) uint64 {
	return uint64(math.Round(min(max(float64(x), 0), maxEvidence) / unit))
}

// decode reads a snapshot; it believes none of its numbers.
func decode(b []byte) (*record, error) {
	if len(b) > MaxSnapshot {
		return nil, fmt.Errorf("%w: %d bytes, more than %d", ErrSnapshot, len(b), MaxSnapshot)
	}
	if len(b) == 0 || b[0] != snapshotVersion {
		return nil, fmt.Errorf("%w: not of version %d", ErrSnapshot, snapshotVersion)
	}
	d := varints{b: b[1:]}
	r := &record{
		at: d.next(maxTime), alarmAt: d.next(maxTime), cap: d.next(1 << 16), alarms: uint32(d.next(maxAlarms)),
	}
	first, count := int(d.next(buckets)), int(d.next(buckets))
	if first+count > buckets {
		d.bad = true
	}
	for k := first; k < first+count && !d.bad; k++ {
		r.kept[k] = float32(d.next(maxEvidence/unit) * unit)
		r.died[k] = float32(d.next(maxEvidence/unit) * unit)
	}
	if !d.bad && len(d.b) > 0 {
		r.renewedAt, r.renewedFrom = d.next(maxTime), d.next(1<<16)
	}
	if !d.bad && len(d.b) > 0 {
		r.decodeFrom(&d)
	}
	if d.bad {
		return nil, fmt.Errorf("%w: cut short, or a number out of its bounds", ErrSnapshot)
	}
	return r, nil
}

// varints reads numbers until one is bad.
type varints struct {
	b   []byte
	bad bool
}

func (d *varints) next(most float64) float64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 || float64(v) > most {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return float64(v)
}

// add adds another record's evidence. The older one ages, and what a later
// alarm or renewal of one takes back is taken back from the other.
func (r *record) add(o *record) {
	if o.at > r.at {
		*r, *o = *o, *r
	}
	o.evidence.age(r.at - o.at)
	r.settle(o)
	o.settle(r)
	for k := range r.kept {
		r.kept[k] = min(r.kept[k]+o.kept[k], maxEvidence)
		r.died[k] = min(r.died[k]+o.died[k], maxEvidence)
		r.from[k] = min(r.from[k]+o.from[k], maxEvidence)
	}
	r.alarms = min(r.alarms+o.alarms, maxAlarms)
	if o.alarmAt > r.alarmAt {
		r.alarmAt, r.cap = o.alarmAt, o.cap
	}
	if o.renewedAt > r.renewedAt {
		r.renewedAt, r.renewedFrom = o.renewedAt, o.renewedFrom
	}
}

// settle takes back of r what o's newer alarm contradicts.
func (r *record) settle(o *record) {
	if o.alarmAt > r.alarmAt && o.cap > 0 {
		r.contradict(o.cap)
	}
	if o.renewedAt > r.renewedAt && o.renewedFrom > 0 {
		r.renew(o.renewedFrom)
	}
}

// Merge adds up two snapshots; an empty one is nothing. The older one's
// evidence is aged to the time of the newer. An error wraps ErrSnapshot, and
// then the result is the one of both that can be read, if there is one.
func Merge(a, b []byte) ([]byte, error) {
	if len(a) == 0 || len(b) == 0 {
		return mergeOne(append(a[:len(a):len(a)], b...))
	}
	ra, errA := decode(a)
	rb, errB := decode(b)
	switch {
	case errA != nil && errB != nil:
		return nil, errA
	case errA != nil:
		return b, errA
	case errB != nil:
		return a, errB
	}
	ra.add(rb)
	return ra.encode(), nil
}

func mergeOne(b []byte) ([]byte, error) {
	if len(b) == 0 {
		return nil, nil
	}
	if _, err := decode(b); err != nil {
		return nil, err
	}
	return b, nil
}
