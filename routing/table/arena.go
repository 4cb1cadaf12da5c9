package table

const (
	// classWidth is the step between the sizes of the arena's places, which
	// hold long names.
	classWidth = 8
	classes    = maxName / classWidth
	lengthBits = 8
)

// arena holds the names that do not fit a record. Places come in few sizes,
// and one that was given back is used for the next name of its size: nothing
// is ever moved.
type arena struct{ sizes [classes]places }

// places are the places of one size.
type places struct {
	chunks [][]byte
	free   []uint32
	next   uint32
}

func classOf(length int) int { return max(length-1, 0) / classWidth }

// put keeps a name of at most maxName bytes.
func (a *arena) put(s string) name {
	c := classOf(len(s))
	i := a.sizes[c].take(c)
	copy(a.sizes[c].at(c, i), s)
	return name{hi: uint64(i)<<lengthBits | uint64(len(s))}
}

// get returns what put was given, until drop.
func (a *arena) get(n name) []byte {
	length := int(n.hi % (1 << lengthBits))
	c := classOf(length)
	return a.sizes[c].at(c, uint32(n.hi>>lengthBits))[:length]
}

func (a *arena) drop(n name) {
	p := &a.sizes[classOf(int(n.hi%(1<<lengthBits)))]
	p.free = append(p.free, uint32(n.hi>>lengthBits))
}

func (p *places) at(class int, i uint32) []byte {
	size := (class + 1) * classWidth
	at := int(i%chunkLen) * size
	return p.chunks[i>>chunkBits][at : at+size]
}

func (p *places) take(class int) uint32 {
	if n := len(p.free); n > 0 {
		i := p.free[n-1]
		p.free = p.free[:n-1]
		return i
	}
	if int(p.next>>chunkBits) == len(p.chunks) {
		p.chunks = append(p.chunks, make([]byte, chunkLen*(class+1)*classWidth))
	}
	p.next++
	return p.next - 1
}
