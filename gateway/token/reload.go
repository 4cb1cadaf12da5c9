package token

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// pollEvery is how often the files are looked at. Polling follows a file that
// is replaced by a rename or a symbolic link, as secrets in containers are,
// where a watch on the file would not.
const pollEvery = 5 * time.Second

// file is a source and what was last read of it.
type file struct {
	Source
	keys  []publicKey
	stamp fs.FileInfo // nil: read it at the next poll
	fault string      // of the last attempt, so that it is logged once
}

// Run reloads files that change until ctx ends, and returns ctx's error. A
// file that cannot be used leaves the keys as they were; it is logged once
// for each new fault and counted each time.
func (v *Verifier) Run(ctx context.Context) error {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
			v.reload()
		}
	}
}

// ReloadFailures is how often a changed file could not be used since the
// start.
func (v *Verifier) ReloadFailures() uint64 { return v.failures.Load() }

// reload looks at every file once.
func (v *Verifier) reload() {
	v.reloading.Lock()
	defer v.reloading.Unlock()
	for _, f := range v.files {
		old := f.keys
		changed, err := f.read()
		if err == nil && changed {
			err = v.adopt(f, old)
		}
		if err != nil {
			v.failed(f, err)
		}
	}
}

// adopt makes f's new keys count, or puts the old ones back.
func (v *Verifier) adopt(f *file, old []publicKey) error {
	ring, err := merge(v.files)
	if err != nil {
		f.keys, f.stamp = old, nil
		return err
	}
	v.keys.Store(newTrusted(ring))
	f.fault = ""
	v.log.Info("keys reloaded", "tenant", f.Tenant, "file", f.JWKSFile, "keys", len(f.keys))
	return nil
}

func (v *Verifier) failed(f *file, err error) {
	v.failures.Add(1)
	if f.fault == err.Error() {
		return
	}
	f.fault = err.Error()
	v.log.Error("keys not reloaded, the old ones stay", "tenant", f.Tenant, "file", f.JWKSFile, "error", err)
}

// read takes up the file if it changed. On an error the keys stay, and the
// next call reads again: a file may be seen half written.
func (f *file) read() (changed bool, err error) {
	stamp, err := os.Stat(f.JWKSFile)
	if err == nil && f.stamp != nil && same(f.stamp, stamp) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%w: tenant %q: %w", ErrKey, f.Tenant, err)
	}
	data, err := readFile(f.JWKSFile)
	if err != nil {
		return false, fmt.Errorf("%w: tenant %q: %w", ErrKey, f.Tenant, err)
	}
	keys, err := parseKeys(data)
	if err != nil {
		return false, fmt.Errorf("tenant %q: %s: %w", f.Tenant, f.JWKSFile, err)
	}
	f.keys, f.stamp = keys, stamp
	return true, nil
}

func same(a, b fs.FileInfo) bool {
	return a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size() && os.SameFile(a, b)
}

// readFile reads at most one byte more than parseKeys accepts.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxKeysBytes+1))
}
