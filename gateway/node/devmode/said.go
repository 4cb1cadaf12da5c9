package devmode

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
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
	if err := os.Symlink(placeOf(folder, filepath.Base(log)), log); err != nil {
		return fmt.Errorf("keep what a process says in %s: %w", saidEnv, err)
	}
	return nil
}

// placeOf is where a log is kept: another process of the same name may run
// elsewhere.
func placeOf(folder, log string) string {
	return filepath.Join(folder, fmt.Sprintf("%016x-%s", rand.Uint64(), log))
}

// KeepSaid keeps for that scan what was not said by a process that this package
// started, or not into its log: the log of a container, a page.
func KeepSaid(name string, text []byte) error {
	folder := os.Getenv(saidEnv)
	if folder == "" {
		return nil
	}
	if err := os.WriteFile(placeOf(folder, name+".log"), text, 0o600); err != nil {
		return fmt.Errorf("keep what was said in %s: %w", saidEnv, err)
	}
	return nil
}

// KeepPages keeps what a member of a fleet shows of itself.
func KeepPages(member string, pages map[string][]byte) error {
	var errs []error
	for path, text := range pages {
		name, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "?")
		errs = append(errs, KeepSaid(member+"-"+name, text))
	}
	return errors.Join(errs...)
}

// keepSecrets tells the scan what to look for.
func (e *Environment) keepSecrets() error {
	if os.Getenv(saidEnv) == "" {
		return nil
	}
	secrets, err := e.secrets()
	if err != nil {
		return err
	}
	return KeepSecrets(secrets)
}

// KeepSecrets tells the scan what else to look for, by what it is.
func KeepSecrets(secrets map[string][]byte) error {
	folder := os.Getenv(saidEnv)
	if folder == "" {
		return nil
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
