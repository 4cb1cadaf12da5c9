package devmode

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// saidEnv names a folder by its full path. What all processes of development fleets say is kept
// there, beyond the end of the fleets, and beside it their secrets, for the scan
// that CI makes at its end.
const saidEnv = "HAWSER_SAID"

// secretsPattern are the files with secrets in that folder.
const secretsPattern = "secrets-*.json"

// keepSaid has a log that is about to be made stay in the folder: the file is
// there, and its own name leads to it.
func keepSaid(log string) error {
	folder := os.Getenv(saidEnv)
	if folder == "" {
		return nil
	}
	// Another process of the same name may run elsewhere.
	kept := fmt.Sprintf("%016x-%s", rand.Uint64(), filepath.Base(log))
	if err := os.Symlink(filepath.Join(folder, kept), log); err != nil {
		return fmt.Errorf("keep what a process says in %s: %w", saidEnv, err)
	}
	return nil
}

// keepSecrets tells the scan what to look for.
func (e *Environment) keepSecrets() error {
	folder := os.Getenv(saidEnv)
	if folder == "" {
		return nil
	}
	secrets, err := e.secrets()
	if err != nil {
		return err
	}
	text, err := json.Marshal(secrets)
	if err != nil {
		return fmt.Errorf("word the secrets: %w", err)
	}
	file, err := os.CreateTemp(folder, secretsPattern) // only its owner may read it
	if err != nil {
		return fmt.Errorf("keep the secrets in %s: %w", saidEnv, err)
	}
	_, err = file.Write(text)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("keep the secrets in %s: %w", saidEnv, err)
	}
	return nil
}
