package config

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"
)

// DevSchema is the value of DevState.Schema.
const DevSchema = "hawser.dev/1"

// EnvDevDir names the environment variable with the directory of a running
// hawser dev.
const EnvDevDir = "HAWSER_DEV_DIR"

const devFile = "dev.json"

// ErrNoDev says that no dev process left its state in the directory.
var ErrNoDev = errors.New("no running dev was found")

// DevState is what a running dev process tells the commands beside it, so
// that they need no flags. It holds paths of secrets, never the secrets.
type DevState struct {
	// Schema is DevSchema; Save sets it.
	Schema string `json:"schema"`
	// PID is the process that wrote it; Save sets it.
	PID int `json:"pid"`
	// Addr is the devices' door, host:port.
	Addr string `json:"addr"`
	// API is the URL of the backends' API.
	API string `json:"api"`
	// Admin is the URL of the operators' HTTP.
	Admin string `json:"admin"`
	// Tenant is the name of the one tenant.
	Tenant string `json:"tenant"`
	// CAFile is the PEM file that Addr's certificate is checked against.
	CAFile string `json:"ca_file"`
	// APIKeyFile holds the tenant's API key.
	APIKeyFile string `json:"api_key_file"`
	// JWTKeyFile is the private JWK that signs device tokens.
	JWTKeyFile string `json:"jwt_key_file"`
	// ConfigFile is the configuration that it runs.
	ConfigFile string `json:"config_file"`
}

// DevDir returns the directory for the state of dev: HAWSER_DEV_DIR, or
// hawser/dev in the user's cache directory. getenv is os.Getenv.
func DevDir(getenv func(string) string) (string, error) {
	if dir := getenv(EnvDevDir); dir != "" {
		return filepath.Abs(dir)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("cannot tell where dev keeps its state, set %s: %w", EnvDevDir, err)
	}
	return filepath.Join(cache, "hawser", "dev"), nil
}

// LoadDevState reads the state in dir. Where there is none the error wraps
// ErrNoDev. The process that wrote it may have gone: see Alive.
func LoadDevState(dir string) (DevState, error) {
	var s DevState
	b, err := readFile(filepath.Join(dir, devFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("%w in %s", ErrNoDev, dir)
	}
	if err != nil {
		return s, fmt.Errorf("cannot read the state of dev: %w", err)
	}
	if err := json.Unmarshal(b, &s); err != nil || s.Schema != DevSchema {
		return s, fmt.Errorf("%s is not from this version of dev: start dev anew", filepath.Join(dir, devFile))
	}
	return s, nil
}

// Save writes the state into dir, which it makes where it is missing, for the
// owner only. Readers see the old state or the new one, never a part.
func (s DevState) Save(dir string) error {
	s.Schema, s.PID = DevSchema, os.Getpid()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cannot make the directory of dev: %w", err)
	}
	// A directory that was there before may be open to others; keys live in it.
	if err := os.Chmod(dir, 0o700); err != nil {
		return fmt.Errorf("cannot close the directory of dev to others: %w", err)
	}
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return writeAtomic(filepath.Join(dir, devFile), append(b, '\n'))
}

// RemoveDevState removes the state from dir if this process wrote it.
func RemoveDevState(dir string) error {
	s, err := LoadDevState(dir)
	if errors.Is(err, ErrNoDev) {
		return nil
	}
	if err != nil || s.PID != os.Getpid() {
		return err
	}
	return os.Remove(filepath.Join(dir, devFile))
}

// Alive tells whether something accepts connections at Addr: a dev that was
// killed leaves its state behind.
func (s DevState) Alive(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Addr)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// writeAtomic writes a file that only its owner may read.
func writeAtomic(path string, data []byte) error {
	// CreateTemp makes the file with mode 0600.
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
