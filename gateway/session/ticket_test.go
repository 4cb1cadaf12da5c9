package session

import (
	"bytes"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/token"
)

func TestTicket(t *testing.T) {
	key, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	id := token.Identity{Tenant: "acme", User: "anna", Device: "phone"}
	good := newTicket(key, id, 1234567890123)
	if got := previousEpoch(key, id, good); got != 1234567890123 {
		t.Fatalf("epoch %d", got)
	}
	changed := func(i int) []byte {
		b := bytes.Clone(good)
		b[i] ^= 1
		return b
	}
	tests := map[string]struct {
		key    []byte
		id     token.Identity
		ticket []byte
	}{
		"empty":         {key, id, nil},
		"cut":           {key, id, good[:len(good)-1]},
		"longer":        {key, id, append(bytes.Clone(good), 0)},
		"version":       {key, id, changed(0)},
		"epoch":         {key, id, changed(5)},
		"mac":           {key, id, changed(len(good) - 1)},
		"other key":     {other, id, good},
		"other tenant":  {key, token.Identity{Tenant: "acmf", User: "anna", Device: "phone"}, good},
		"other user":    {key, token.Identity{Tenant: "acme", User: "eve", Device: "phone"}, good},
		"other device":  {key, token.Identity{Tenant: "acme", User: "anna", Device: "tablet"}, good},
		"border moved":  {key, token.Identity{Tenant: "acme", User: "annap", Device: "hone"}, good},
		"border moved2": {key, token.Identity{Tenant: "acm", User: "eanna", Device: "phone"}, good},
	}
	for name, tt := range tests {
		if got := previousEpoch(tt.key, tt.id, tt.ticket); got != 0 {
			t.Errorf("%s: epoch %d, want 0", name, got)
		}
	}
}

func FuzzTicket(f *testing.F) {
	key := bytes.Repeat([]byte{1}, 32)
	id := token.Identity{Tenant: "acme", User: "anna", Device: "phone"}
	f.Add([]byte{1})
	f.Add(newTicket(bytes.Repeat([]byte{2}, 32), id, 1))
	f.Fuzz(func(t *testing.T, ticket []byte) {
		if got := previousEpoch(key, id, ticket); got != 0 {
			t.Fatalf("a made-up ticket has the epoch %d", got)
		}
	})
}

func TestNextEpoch(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	for previous, want := range map[int64]int64{
		0:                 1_800_000_000_000,
		1_700_000_000_000: 1_800_000_000_000,
		1_800_000_000_000: 1_800_000_000_001,
		1_800_000_001_998: 1_800_000_001_999,
		1_800_000_002_000: 1_800_000_000_000, // refused by routers: no session has it
		1 << 62:           1_800_000_000_000,
	} {
		if got := nextEpoch(now, previous); got != want {
			t.Errorf("nextEpoch(%d) = %d, want %d", previous, got, want)
		}
	}
}

func TestConfig(t *testing.T) {
	if _, err := NewServer(Config{}); err == nil {
		t.Error("a server without borders was made")
	}
	good := Config{Verifier: testVerifier{}, Registry: &testRegistry{}, Relay: hangingRelay, Kinds: func(string) []string { return nil }}
	if _, err := NewServer(good); err != nil {
		t.Errorf("defaults: %v", err)
	}
	good.TicketKey = []byte("short")
	if _, err := NewServer(good); err == nil {
		t.Error("a short ticket key was taken")
	}
}
