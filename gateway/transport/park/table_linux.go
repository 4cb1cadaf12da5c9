package park

import (
	"errors"
	"sync/atomic"
)

// chunkSize is how many sockets a part of the table holds.
const chunkSize = 4096

// maxFD bounds the descriptors that the table takes.
const maxFD = 4096 * chunkSize

var errManyFiles = errors.New("the number of a file descriptor is beyond what this program was made for")

// table finds a socket by its descriptor. An event can be late, and its
// descriptor another connection's by then: whoever asks must bear that.
type table struct {
	chunks [maxFD / chunkSize]atomic.Pointer[chunk]
}

type chunk [chunkSize]atomic.Pointer[Socket]

func (t *table) get(fd int32) *Socket {
	c := t.chunks[fd/chunkSize].Load()
	if c == nil {
		return nil
	}
	return c[fd%chunkSize].Load()
}

// set takes nil to forget.
func (t *table) set(fd int32, s *Socket) error {
	if fd < 0 || fd >= maxFD {
		return errManyFiles
	}
	at := &t.chunks[fd/chunkSize]
	if at.Load() == nil {
		at.CompareAndSwap(nil, new(chunk))
	}
	at.Load()[fd%chunkSize].Store(s)
	return nil
}
