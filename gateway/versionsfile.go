package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

const versionsSchema = "hawser.versions/1"

// versionsFile keeps the versions of one device over runs of connect, as an
// application keeps them with its data. It is a client.Store.
type versionsFile struct {
	// Static after construction.
	path string

	mu sync.Mutex
	// Guarded by mu.
	content versionsContent
	// Guarded by mu.
	versions map[string]int64
}

// versionsContent is the file. Versions are decimal strings: JSON numbers
// lose digits in many readers.
type versionsContent struct {
	Schema   string            `json:"schema"`
	User     string            `json:"user"`
	Device   string            `json:"device"`
	Versions map[string]string `json:"versions"`
}

// openVersions reads the file, which need not exist. It refuses one of
// another device: its versions would hide news from this one.
func openVersions(path, user, device string) (*versionsFile, error) {
	v := &versionsFile{
		path: path, versions: map[string]int64{},
		content: versionsContent{versionsSchema, user, device, map[string]string{}},
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return v, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the versions: %w", err)
	}
	var old versionsContent
	if err := json.Unmarshal(data, &old); err != nil || old.Schema != versionsSchema {
		return nil, usagef("%s is no file of versions: name another with --versions-file, or a new one", path)
	}
	if old.User != user || old.Device != device {
		return nil, usagef("%s belongs to user %q, device %q: name another file for this device", path, old.User, old.Device)
	}
	for kind, text := range old.Versions {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, usagef("%s: version %.40q of kind %.80q is not a number: remove the file to begin anew", path, text, kind)
		}
		v.versions[kind], v.content.Versions[kind] = n, text
	}
	return v, nil
}

// Load returns what the file held and what was saved since.
func (v *versionsFile) Load() (map[string]int64, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.versions), nil
}

// Save keeps a version and writes the file before it returns.
func (v *versionsFile) Save(kind string, version int64) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.versions[kind] = version
	v.content.Versions[kind] = strconv.FormatInt(version, 10)
	if err := v.writeLocked(); err != nil {
		return fmt.Errorf("cannot keep the versions: %w", err)
	}
	return nil
}

// writeLocked replaces the file whole, so that an interrupted run leaves the
// old one.
func (v *versionsFile) writeLocked() error {
	data, err := json.MarshalIndent(v.content, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(v.path), "."+filepath.Base(v.path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(append(data, '\n'))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), v.path)
}
