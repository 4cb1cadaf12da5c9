package client_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/wire"
)

type badStore struct {
	versions map[string]int64
	err      error
}

func (s badStore) Load() (map[string]int64, error) { return s.versions, s.err }
func (s badStore) Save(string, int64) error        { return nil }

func TestConfig(t *testing.T) {
	token := func(context.Context) (string, error) { return "", nil }
	good := client.Config{Addr: "edge.example.com:443", Token: token}
	if _, err := client.New(good); err != nil {
		t.Fatalf("New = %v", err)
	}
	for name, spoil := range map[string]func(*client.Config){
		"Token":          func(c *client.Config) { c.Token = nil },
		"Addr":           func(c *client.Config) { c.Addr = "edge.example.com" },
		"Transport":      func(c *client.Config) { c.Transport = "udp" },
		"AppVersion":     func(c *client.Config) { c.AppVersion = strings.Repeat("x", 65) },
		"App":            func(c *client.Config) { c.App = strings.Repeat("x", 257) },
		"PushToken":      func(c *client.Config) { c.PushToken = strings.Repeat("x", 4097) },
		"Network.IDHash": func(c *client.Config) { c.Network.IDHash = make([]byte, 33) },
		"load":           func(c *client.Config) { c.Store = badStore{err: errors.New("broken")} },
		"kind":           func(c *client.Config) { c.Store = badStore{versions: map[string]int64{"a b": 1}} },
		"version":        func(c *client.Config) { c.Store = badStore{versions: map[string]int64{"a": wire.MaxVersion + 1}} },
		"entry":          func(c *client.Config) { c.Store = badStore{versions: map[string]int64{"a": -1}} },
	} {
		cfg := good
		spoil(&cfg)
		if _, err := client.New(cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: New = %v", name, err)
		}
	}
}

func TestSettersCheck(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		if err := e.client.SetPushToken(strings.Repeat("x", 4097)); err == nil {
			t.Error("took a push token that no edge takes")
		}
		if err := e.client.SetNetwork(client.Network{IDHash: make([]byte, 33)}); err == nil {
			t.Error("took a hash that no edge takes")
		}
	})
}

// A Hello that no edge would take is not sent, and its token not shown.
func TestHelloTooLong(t *testing.T) {
	secret := strings.Repeat("s", wire.MaxHelloPayload)
	virtual(t, func(c *client.Config) {
		c.Token = func(context.Context) (string, error) { return secret, nil }
	}, func(e *edge) {
		e.accept().gone()
		if err := e.lastState().Err; err == nil || strings.Contains(err.Error(), "sss") {
			t.Errorf("state's error %.200v", err)
		}
	})
}
