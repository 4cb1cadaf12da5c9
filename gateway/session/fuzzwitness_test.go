//go:build linux

package session

import (
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/heartbeat"
)

// witness notes what reaches a session, from all that a server needs.
type witness struct {
	discardRegistry
	heartbeat.Table

	mu       sync.Mutex
	rejects  map[string]int // of the listener, ever
	frames   int            // handled
	radios   []heartbeat.Radio
	requests map[uint32]int // how often each was relayed, by its number
	live     map[uint64]bool
	newest   uint64 // session
}

func newWitness() *witness {
	w := &witness{rejects: map[string]int{}, live: map[uint64]bool{}}
	w.reset()
	return w
}

func (w *witness) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.frames, w.radios, w.requests, w.newest = 0, nil, map[uint32]int{}, 0
}

func (w *witness) rejected(reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rejects["rejected "+reason]++
}

func (w *witness) rejections() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.rejects)
}

func (w *witness) registered() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.live)
}

func (w *witness) relayed() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.requests)
}

func (w *witness) handled() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.frames
}

// session is the number of the newest one, 0 where none came since reset.
func (w *witness) session() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.newest
}

// Heard, Move, Call, Register and Unregister are what a server calls.

func (w *witness) Heard(time.Time, *heartbeat.View, time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.frames++
}

func (w *witness) Move(_ time.Time, _ *heartbeat.View, p heartbeat.Path) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.radios = append(w.radios, p.Radio)
}

// Call answers with as many bytes as the body asks for.
func (w *witness) Call(_ context.Context, c Call) ([]byte, error) {
	if len(c.Body) < bodyHeader {
		return nil, errors.New("the body came without its beginning")
	}
	number, size := binary.BigEndian.Uint32(c.Body), binary.BigEndian.Uint32(c.Body[4:])
	if !isPattern(c.Body[bodyHeader:], number) {
		return nil, errors.New("the body came as another one")
	}
	w.mu.Lock()
	w.requests[number]++
	w.mu.Unlock()
	return pattern(int(size), number), nil
}

func (w *witness) Register(r Registration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.live[r.Conn], w.newest = true, r.Conn
}

func (w *witness) Unregister(conn uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.live, conn)
}

// bodyHeader is the beginning of a request's body: its number and the size of
// the answer.
const bodyHeader = 8

func pattern(n int, number uint32) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i>>8) ^ byte(i)*31 ^ byte(number)
	}
	return b
}

func isPattern(b []byte, number uint32) bool {
	for i := range b {
		if b[i] != byte(i>>8)^byte(i)*31^byte(number) {
			return false
		}
	}
	return true
}
