package sessionsum

import "encoding/binary"

const (
	lanes = 4
	// maxName is the length of the longest name that a lane has room for:
	// that of names.
	maxName = 64
	maxText = 2*8 + 3*(maxName+1)
)

// Session is what a sum is made of.
type Session struct {
	Conn                 uint64
	Tenant, User, Device string
	Epoch                int64
}

// Batch computes sums of many sessions, four at a time: each step of a sum
// waits for the one before it, but not for those of another session. The zero
// Batch is ready. One goroutine uses it at a time.
type Batch struct {
	text [lanes][maxText]byte
	used [lanes]int
}

// Of sets sums[i] to Of the session that at returns for i.
func (b *Batch) Of(sums []uint64, at func(i int) Session) {
	i := 0
	for ; i+lanes <= len(sums); i += lanes {
		fits := true
		for lane := range lanes {
			fits = b.spell(lane, at(i+lane)) && fits
		}
		if !fits {
			b.single(sums[i:i+lanes], func(n int) Session { return at(i + n) })
			continue
		}
		b.sum((*[lanes]uint64)(sums[i : i+lanes]))
	}
	b.single(sums[i:], func(n int) Session { return at(i + n) })
}

func (*Batch) single(sums []uint64, at func(n int) Session) {
	for n := range sums {
		s := at(n)
		sums[n] = Of(s.Conn, s.Tenant, s.User, s.Device, s.Epoch)
	}
}

// spell writes down the bytes that Of hashes. It reports false where a name is
// longer than names are.
func (b *Batch) spell(lane int, s Session) bool {
	if len(s.Tenant) > maxName || len(s.User) > maxName || len(s.Device) > maxName {
		return false
	}
	t := binary.LittleEndian.AppendUint64(b.text[lane][:0], s.Conn)
	t = append(append(t, s.Tenant...), endMark)
	t = append(append(t, s.User...), endMark)
	t = append(append(t, s.Device...), endMark)
	b.used[lane] = len(binary.LittleEndian.AppendUint64(t, uint64(s.Epoch)))
	return true
}

// sum hashes what the lanes hold: side by side as far as the shortest goes.
func (b *Batch) sum(sums *[lanes]uint64) {
	n := min(b.used[0], b.used[1], b.used[2], b.used[3])
	t0, t1, t2, t3 := b.text[0][:n], b.text[1][:n], b.text[2][:n], b.text[3][:n]
	h0, h1, h2, h3 := uint64(fnvOffset), uint64(fnvOffset), uint64(fnvOffset), uint64(fnvOffset)
	for i := range n {
		h0 = (h0 ^ uint64(t0[i])) * fnvPrime
		h1 = (h1 ^ uint64(t1[i])) * fnvPrime
		h2 = (h2 ^ uint64(t2[i])) * fnvPrime
		h3 = (h3 ^ uint64(t3[i])) * fnvPrime
	}
	*sums = [lanes]uint64{h0, h1, h2, h3}
	for lane := range lanes {
		h := sums[lane]
		for _, c := range b.text[lane][n:b.used[lane]] {
			h = (h ^ uint64(c)) * fnvPrime
		}
		sums[lane] = mix(h)
	}
}
