package client

import (
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/hawser-edge/hawser/gateway/wire"
)

// Store keeps a device's versions.
type Store interface {
	// Load returns the versions by kind. It is called once, by New.
	Load() (map[string]int64, error)
	// Save keeps one version. The event is acknowledged only after it returned
	// nil. It is called for different kinds at the same time.
	Save(kind string, version int64) error
}

// memory is the Store of those who have none.
type memory struct{}

func (memory) Load() (map[string]int64, error) { return nil, nil }
func (memory) Save(string, int64) error        { return nil }

// versions is the store with a copy in memory.
type versions struct {
	// Static after construction.
	store Store

	mu     sync.Mutex
	byKind map[string]int64 // Guarded by mu.
}

func loadVersions(store Store) (*versions, error) {
	loaded, err := store.Load()
	if err != nil {
		return nil, fmt.Errorf("client: load the versions: %w", err)
	}
	v := &versions{store: store, byKind: map[string]int64{}}
	for kind, version := range loaded {
		if version == 0 {
			continue
		}
		if err := errors.Join(wire.CheckID("kind", kind), wire.CheckVersion(version)); err != nil {
			return nil, fmt.Errorf("client: the store holds a bad entry, remove it: %w", err)
		}
		v.byKind[kind] = version
	}
	return v, nil
}

func (v *versions) get(kind string) int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.byKind[kind]
}

func (v *versions) all() map[string]int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.byKind)
}

// set saves a version and then shows it. Only the kind's one worker calls it;
// the lock is not held meanwhile, so that a slow store holds up nobody else.
func (v *versions) set(kind string, version int64) error {
	if err := v.store.Save(kind, version); err != nil {
		return fmt.Errorf("client: save version %d of %s: %w", version, kind, err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.byKind[kind] = version
	return nil
}
