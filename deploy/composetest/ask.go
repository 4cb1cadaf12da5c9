package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
)

// get asks a page for a 200.
func get(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	return nil
}

// logsOf is what a container said, on both of its outputs.
func logsOf(ctx context.Context, env []string, container string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "docker", "logs", container)
	cmd.Env = append(os.Environ(), env...)
	return cmd.CombinedOutput()
}
