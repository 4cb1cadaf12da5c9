package client_test

import (
	"context"
	"errors"
	"testing"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/transport"
)

// An application that ends the SDK between two attempts does so at a moment of
// its own: here it is just before a dial.
func TestStoppedBeforeTheDial(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, err := client.New(client.Config{
		Token:   func(context.Context) (string, error) { cancel(); return "token-1", nil },
		OnEvent: func(context.Context, client.Event) error { return nil },
		Dial: func(ctx context.Context, _ transport.Kind, _ string) (transport.Conn, error) {
			t.Error("it dials all the same")
			return nil, ctx.Err()
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Run ends with %v, want that it was cancelled", err)
	}
}
