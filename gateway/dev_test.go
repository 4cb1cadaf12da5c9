package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

// screen is what a person sees of a running command.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer // Guarded by mu.
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

// wait returns the text once part is in it.
func (s *screen) wait(t *testing.T, part string) string {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		s.mu.Lock()
		text := s.text.String()
		s.mu.Unlock()
		if strings.Contains(text, part) {
			return text
		}
		if time.Now().After(end) {
			t.Fatalf("%q is not in\n%s", part, text)
		}
	}
}

// What dev prints can be typed: its lines register a phone, publish, and end in
// a push that dev shows.
func TestDevGuide(t *testing.T) {
	dir := t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	out := &screen{}
	var dev sync.WaitGroup
	dev.Go(func() {
		c := &console{stdin: strings.NewReader(""), stdout: out, stderr: out, environ: []string{"HAWSER_DEV_DIR=" + t.TempDir()}, self: "hawser"}
		if code := run(ctx, c, []string{"dev", "--dev", dir}); code != exitOK {
			t.Errorf("dev ended with exit code %d", code)
		}
	})
	defer dev.Wait()
	defer stop()

	guide := out.wait(t, "Ctrl-C ends everything")
	var notified int
	for _, line := range strings.Split(strings.ReplaceAll(guide, "\\\n", ""), "\n") {
		args, ours := strings.CutPrefix(line, "  hawser ")
		switch words := words(args); {
		case !ours:
		case words[0] == "connect":
			phone, leave := context.WithCancel(t.Context())
			seen := &screen{}
			var running sync.WaitGroup
			running.Go(func() { run(phone, &console{stdout: seen, stderr: io.Discard, self: "hawser"}, words) })
			seen.wait(t, "connected")
			if strings.Contains(args, "--push-token") {
				waitToken(t, dir, "bob")
			}
			leave()
			running.Wait()
		case words[0] == "notify":
			notified++
			if got := cli(t, nil, words...); got.code != exitOK {
				t.Errorf("%s: %+v", line, got)
			}
		}
	}
	if notified != 2 {
		t.Errorf("the guide has %d lines of notify:\n%s", notified, guide)
	}
	out.wait(t, `"From alice" / "hello"`)
	pushCommands(t, dir)
}

// words splits a line as a shell does, as far as the guide needs it.
func words(line string) (all []string) {
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			all = append(all, part)
		} else {
			all = append(all, strings.Fields(part)...)
		}
	}
	return all
}
