package node_test

import (
	"context"
	"sync"
	"testing"

	"github.com/hawser-edge/hawser/gateway/leak"
	"github.com/hawser-edge/hawser/gateway/node/devmode"
)

// secrets are what a fleet must not tell: what its environment made and what was
// published.
type secrets struct {
	mu sync.Mutex
	// Guarded by mu.
	scanner *leak.Scanner
	found   []leak.Finding
}

// know takes the texts of a published event. What is short may stand in a log by
// chance.
func (s *secrets) know(body object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if item, ok := body["item"].([]byte); ok {
		s.scanner.Know("an event's item", item)
	}
	content, _ := body["push"].(object)
	for _, member := range []string{"title", "body"} {
		if text, ok := content[member].(string); ok {
			s.scanner.Know("a push's "+member, []byte(text))
		}
	}
}

func (s *secrets) scan(where string, text []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.scanner != nil { // nil: the environment did not come about
		s.found = append(s.found, s.scanner.Scan(where, text)...)
	}
}

// report fails the test over what was found.
func (s *secrets) report(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.found {
		t.Errorf("a secret was told: %v", f)
	}
}

// scanPages reads what a node shows. One that is not there has shown nothing.
func (f *fleet) scanPages(name string) {
	for page, text := range (devmode.Node{Admin: f.addrs[name]["admin"]}).Pages(context.Background()) {
		f.secrets.scan(page+" of "+name, text)
	}
}

// TestSecretsAreFound tells one to each place that is scanned.
func TestSecretsAreFound(t *testing.T) {
	f := startFleet(t, options{})
	f.publish(tenantA, object{"user": "vera", "kind": "messages", "item": []byte("said between us"), "push": object{"title": "Only for Vera"}})
	key, err := f.env.APIKey(tenantA)
	if err != nil {
		t.Fatal(err)
	}
	jwt := f.token(tenantA, "vera", "phone")
	for what, text := range map[string]string{
		"the API key": key, "a JWT": jwt, "the item": "said between us", "the push": "Only for Vera",
		"a push token": `"token":"d51c9e3fa7046b82aa55"`,
	} {
		other := &secrets{scanner: f.secrets.scanner}
		other.scan("a log", []byte(`{"level":"INFO","msg":"`+text+`"}`))
		if len(other.found) == 0 {
			t.Errorf("%s in a log is not found", what)
		}
	}
}
