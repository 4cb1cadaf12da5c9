// Leaks looks through what the steps of .ci/run and the processes of their
// fleets said, for secrets:
//
//	go run ./.ci/leaks FOLDER
//
// In the folder are logs, and files that hold the secrets of the fleets; see
// gateway/node/devmode. It exits with 1 if there is a secret in a log.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hawser-edge/hawser/gateway/leak"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: leaks FOLDER")
		os.Exit(2)
	}
	sum, err := scan(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "leaks:", err)
		os.Exit(1)
	}
	fmt.Printf("%d logs of %d bytes were looked through for %d secrets: %d are in them\n", sum.logs, sum.bytes, sum.secrets, len(sum.found))
	for _, f := range sum.found {
		fmt.Println(f)
	}
	if len(sum.found) > 0 {
		os.Exit(1)
	}
}

// summary is what a scan did.
type summary struct {
	secrets, logs, bytes int
	found                []leak.Finding
}

// errNothing keeps a scan of nothing from passing for a good one.
var errNothing = errors.New("there are no logs: are the steps' outputs kept there?")

func scan(folder string) (sum summary, err error) {
	scanner := &leak.Scanner{}
	if sum.secrets, err = know(scanner, folder); err != nil {
		return sum, err
	}
	logs, err := filepath.Glob(filepath.Join(folder, "*.log"))
	if err != nil {
		return sum, fmt.Errorf("list the logs: %w", err)
	}
	for _, log := range logs {
		text, err := os.ReadFile(log)
		if err != nil {
			return sum, fmt.Errorf("read what was said: %w", err)
		}
		sum.logs++
		sum.bytes += len(text)
		sum.found = append(sum.found, scanner.Scan(filepath.Base(log), text)...)
	}
	if sum.logs == 0 {
		return sum, errNothing
	}
	return sum, nil
}

// know reads the secrets.
func know(scanner *leak.Scanner, folder string) (count int, err error) {
	files, err := filepath.Glob(filepath.Join(folder, "secrets-*.json"))
	if err != nil {
		return 0, fmt.Errorf("list the secrets: %w", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return count, fmt.Errorf("read the secrets: %w", err)
		}
		var secrets map[string][]byte
		if err := json.Unmarshal(text, &secrets); err != nil {
			return count, fmt.Errorf("read the secrets of %s: %w", file, err)
		}
		for name, secret := range secrets {
			scanner.Know(name, secret)
			count++
		}
	}
	return count, nil
}
