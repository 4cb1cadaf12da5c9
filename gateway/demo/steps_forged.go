package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/token"
	"github.com/hawser-edge/hawser/gateway/wire"
)

func (s *story) forgedToken(ctx context.Context) ([]string, error) {
	forged, err := forge("A", "phone")
	if err != nil {
		return nil, err
	}
	c, err := client.New(client.Config{
		Addr: s.fleet.edges[0].Devices, TLS: s.fleet.tls, Transport: client.TCP,
		Token: func(context.Context) (string, error) { return forged, nil },
	})
	if err != nil {
		return nil, err
	}
	return refusal(ctx, c, s.aPhone)
}

// forge signs a token for a device with a key that no tenant knows.
func forge(user, device string) (string, error) {
	private, _, err := token.GenerateKey()
	if err != nil {
		return "", err
	}
	signer, err := token.ParseSigner(private)
	if err != nil {
		return "", err
	}
	now := time.Now()
	return signer.Sign(token.Identity{Tenant: tenant, User: user, Device: device, ExpiresAt: now.Add(time.Hour)}, now)
}

// refusal runs a client that the edge must refuse, beside the device whose
// name it stole.
func refusal(ctx context.Context, c *client.Client, owner *device) ([]string, error) {
	err := c.Run(ctx)
	var closed *client.CloseError
	if !errors.As(err, &closed) || closed.Code != wire.CloseUnauthenticated {
		return nil, fmt.Errorf("the forged token was answered with: %w", errors.Join(err, errNotRefused))
	}
	if s := owner.current(); s.Phase != client.PhaseConnected {
		return nil, fmt.Errorf("the forged token threw the real phone out: it is %s", s.Phase)
	}
	return []string{"refused: " + closed.Error(), "the real phone stays connected"}, nil
}

var errNotRefused = errors.New("it must be refused with 3500")
