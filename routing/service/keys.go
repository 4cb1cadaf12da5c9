package service

import (
	"context"
	"time"

	"github.com/hawser-edge/hawser/gateway/token"
)

// Keys verifies the tokens of one tenant's devices.
type Keys struct{ verifier *token.Verifier }

// NewKeys reads the tenant's public keys from files, each a JWK set: those of
// the tenant's jwks_files, which the backend that signs the tokens publishes.
func NewKeys(tenant string, files ...string) (*Keys, error) {
	var sources []token.Source
	for _, f := range files {
		sources = append(sources, token.Source{Tenant: tenant, JWKSFile: f})
	}
	v, err := token.NewVerifier(sources, nil)
	if err != nil {
		return nil, err
	}
	return &Keys{v}, nil
}

// Run reads the files anew when they change, until ctx ends.
func (k *Keys) Run(ctx context.Context) error { return k.verifier.Run(ctx) }

// Verify checks a token and says whose it is.
func (k *Keys) Verify(jwt string) (tenant, user, device string, err error) {
	id, err := k.verifier.Verify(jwt, time.Now())
	return id.Tenant, id.User, id.Device, err
}
