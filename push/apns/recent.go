package apns

import (
	"hash/maphash"
	"sync"
)

// generation is how many tokens one half of a recent set holds.
const generation = 1 << 16

// recent remembers tokens that Apple accepted, by hash: between one and two
// generations of them. A forgotten one only takes the narrower connection once.
type recent struct {
	// Static after construction.
	seed maphash.Seed

	// Guarded by mu.
	mu         sync.Mutex
	young, old map[uint64]struct{}
}

func newRecent() *recent {
	return &recent{seed: maphash.MakeSeed(), young: map[uint64]struct{}{}}
}

func (r *recent) has(token string) bool {
	h := maphash.String(r.seed, token)
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.young[h]; ok {
		return true
	}
	_, ok := r.old[h]
	return ok
}

func (r *recent) add(token string) {
	h := maphash.String(r.seed, token)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.young) >= generation {
		r.old, r.young = r.young, map[uint64]struct{}{}
	}
	r.young[h] = struct{}{}
}

func (r *recent) remove(token string) {
	h := maphash.String(r.seed, token)
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.young, h)
	delete(r.old, h)
}
