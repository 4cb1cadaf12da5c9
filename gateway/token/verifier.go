package token

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/golang-jwt/jwt/v5"
)

// Source is one file of public keys (a JWK set) that vouch for a tenant. A
// tenant may have several; their key ids must differ.
type Source struct {
	Tenant   string
	JWKSFile string
}

// keyRing holds the keys by tenant and key id. It never changes once made.
type keyRing map[string]map[string]publicKey

// Verifier checks tokens against the keys of their tenants.
type Verifier struct {
	// Static after construction.
	parser *jwt.Parser
	log    *slog.Logger

	// Guarded by reloading: held while files are read.
	reloading sync.Mutex
	files     []*file

	keys     atomic.Pointer[trusted]
	failures atomic.Uint64
}

// NewVerifier reads every source. It fails if one cannot be read or used: a
// process that starts without a tenant's keys refuses that tenant's devices.
// A nil log discards.
func NewVerifier(sources []Source, log *slog.Logger) (*Verifier, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	v := &Verifier{parser: newParser(), log: log}
	for _, s := range sources {
		if !validID(s.Tenant) {
			return nil, fmt.Errorf("%w: tenant %.80q must match [A-Za-z0-9_-]{1,64}", ErrKey, s.Tenant)
		}
		f := &file{Source: s}
		if _, err := f.read(); err != nil {
			return nil, err
		}
		v.files = append(v.files, f)
	}
	ring, err := merge(v.files)
	if err != nil {
		return nil, err
	}
	v.keys.Store(newTrusted(ring))
	return v, nil
}

// merge joins the files to one ring. Two keys of a tenant under one id are
// refused: which of them counts would depend on the order of the files.
func merge(files []*file) (keyRing, error) {
	ring := make(keyRing)
	for _, f := range files {
		keys := ring[f.Tenant]
		if keys == nil {
			keys = make(map[string]publicKey)
			ring[f.Tenant] = keys
		}
		for _, key := range f.keys {
			if _, ok := keys[key.id]; ok {
				return nil, fmt.Errorf("%w: tenant %q has two keys with the kid %q, the second in %s: give each its own", ErrKey, f.Tenant, key.id, f.JWKSFile)
			}
			keys[key.id] = key
		}
	}
	return ring, nil
}
