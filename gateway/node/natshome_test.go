package node

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing/embednats/natstest"
)

// A connection that belongs to one server comes back there once that is back.
func TestHoming(t *testing.T) {
	t.Parallel()
	home, other := natstest.Run(t), natstest.Run(t)
	h := newHoming(home.URL())
	var err error
	h.nc, err = nats.Connect(strings.Join([]string{home.URL(), other.URL()}, ","), nats.DontRandomize(),
		nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond), nats.ReconnectToServer(h.choose))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.nc.Close)
	at := func(url string) {
		t.Helper()
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if h.nc.IsConnected() && h.nc.ConnectedUrl() == url {
				return
			}
		}
		t.Fatalf("the connection is at %q, want %s", h.nc.ConnectedUrl(), url)
	}
	at(home.URL())
	home.Restart(func() { at(other.URL()) })
	at(other.URL())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.run(ctx, 50*time.Millisecond)
	}()
	t.Cleanup(func() { cancel(); <-done })
	at(home.URL())
}

func TestHostOf(t *testing.T) {
	t.Parallel()
	for server, want := range map[string]string{
		"nats://n1.example:4333": "n1.example:4333", "tls://n1.example": "n1.example:4222", "n1.example:4333": "n1.example:4333",
		"nats://user:secret@[::1]:4222": "[::1]:4222", "n1": "n1:4222",
		"wss://n1.example": "n1.example:443", "ws://n1.example": "n1.example:80", "ws://n1.example:8080/nats": "n1.example:8080",
	} {
		if got := hostOf(server); got != want {
			t.Errorf("%s is at %s, want %s", server, got, want)
		}
	}
}
