package node

import (
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/routing/httpservice"
)

// newServices makes what calls services over HTTP. Only a router reads the
// secrets that calls are signed with.
func newServices(p parts, nc *nats.Conn, verifier deviceVerifier) (*httpservice.Bridge, error) {
	cfg := httpservice.Config{
		Conn: nc, Catalog: p.catalog, Verifier: verifier, Secrets: map[string][][]byte{},
		MaxCalls: p.cfg.Router.Services.MaxCalls, MaxTime: p.cfg.Router.Services.MaxTime, Log: p.log, Registerer: p.registry,
	}
	var err error
	for _, t := range p.cfg.Tenants {
		if cfg.Secrets[t.Name], err = serviceSecrets(t); err != nil {
			return nil, err
		}
	}
	if file := p.cfg.Router.Services.CAFile; file != "" {
		if cfg.RootCAs, err = certPool(file); err != nil {
			return nil, fmt.Errorf("router.services.ca_file: %w", err)
		}
	}
	return httpservice.New(cfg)
}

func serviceSecrets(t config.Tenant) (secrets [][]byte, err error) {
	for _, file := range t.ServiceSecretFiles {
		secret, err := file.ReadTrimmed()
		if err != nil {
			return nil, fmt.Errorf("read a secret of the services of tenant %s: %w", t.Name, err)
		}
		secrets = append(secrets, secret)
	}
	return secrets, nil
}
