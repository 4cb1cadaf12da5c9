package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestNoSecretIsShown puts a known word into every secret file and looks for
// it wherever a configuration can be printed.
func TestNoSecretIsShown(t *testing.T) {
	dir := exampleFiles(t)
	const word = "hunter2-hunter2-hunter2-hunter2-hunter2"
	for _, name := range []string{"nats-edge.password", "nats-router.password", "nats-push.creds", "ticket.key", "demo.key", "apns.p8", "fcm.json"} {
		writeFile(t, filepath.Join(dir, "secrets", name), word)
	}
	c, msg := parseIn(dir, minimal)
	if msg != "" {
		t.Fatal(msg)
	}
	shown, err := c.Effective()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(shown), fmt.Sprintf("%v %+v %#v", c, c, c)} {
		if strings.Contains(text, word) {
			t.Errorf("a secret is shown:\n%s", text)
		}
	}
	for _, want := range []string{
		"ticket_key_file: (from file " + filepath.Join(dir, "secrets/ticket.key") + ")",
		"hello_timeout: 10s",
		"user: edge-edge-1",
	} {
		if !strings.Contains(string(shown), want) {
			t.Errorf("the effective configuration lacks %q:\n%s", want, shown)
		}
	}
}

func TestEffectiveShowsOnlyTheRoles(t *testing.T) {
	c, msg := parseIn(exampleFiles(t), minimal, "HAWSER_ROLES=push")
	if msg != "" {
		t.Fatal(msg)
	}
	shown, err := c.Effective()
	if err != nil {
		t.Fatal(err)
	}
	for _, section := range []string{"edge:", "router:", "ticket_key_file"} {
		if strings.Contains(string(shown), section) {
			t.Errorf("%s is shown to a process with the role push only:\n%s", section, shown)
		}
	}
}
