package token

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
)

// provenPlaces is how many tokens are remembered at most: 512 KiB.
const provenPlaces = 1 << 15

// trusted is a ring of keys and the tokens that were found to be signed by
// them. New keys begin with none.
type trusted struct {
	// Static after construction.
	keys keyRing
	seed [32]byte

	mu     sync.Mutex
	proven []fingerprint // Guarded by mu. By the fingerprint's first bits.
}

// fingerprint stands for a token, which is a secret and is not kept. The seed
// keeps others from looking for two tokens with one fingerprint.
type fingerprint [16]byte

func newTrusted(keys keyRing) *trusted {
	t := &trusted{keys: keys, proven: make([]fingerprint, provenPlaces)}
	// The first tokens would touch all of it: the system gives it now, so that a
	// process has what it needs for itself before anybody comes.
	clear(t.proven)
	_, _ = rand.Read(t.seed[:]) // never fails
	return t
}

func (t *trusted) fingerprint(token string) fingerprint {
	h := sha256.New()
	h.Write(t.seed[:])
	h.Write([]byte(token))
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	return fingerprint(sum[:len(fingerprint{})])
}

func (f fingerprint) place() int { return int(binary.BigEndian.Uint32(f[:]) % provenPlaces) }

// knows reports whether the signature of the token was found right. A device
// comes again with the same token for as long as that is good, and a signature
// is a tenth of what a connection costs.
func (t *trusted) knows(f fingerprint) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.proven[f.place()] == f
}

// remember takes the place of another token, if there is one.
func (t *trusted) remember(f fingerprint) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.proven[f.place()] = f
}
