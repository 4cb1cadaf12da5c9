package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hawser-edge/hawser/gateway/token"
	"github.com/hawser-edge/hawser/gateway/wire"
)

// Names of the files that token --new-key writes.
const (
	privateKeyName = "private.jwk.json"
	publicKeysName = "jwks.json"
)

// tokenResult is what token --json prints.
type tokenResult struct {
	Schema    string `json:"schema"`
	Token     string `json:"token"`
	ExpiresAt string `json:"expires_at"`
}

// minter names the key and the tenant that mint device tokens.
type minter struct {
	keyFile, tenant string
}

func (m *minter) register(f *flags) {
	f.StringVar(&m.keyFile, "jwt-key", "", "`FILE` with the private key (JWK) that signs. Default: a running dev's")
	f.StringVar(&m.tenant, "tenant", "", "`TENANT` the token is for. Default: a running dev's")
}

// fill takes from dev what no flag named.
func (m *minter) fill(c *console, devDir string) error {
	if m.keyFile == "" || devDir != "" {
		dev, err := findDev(c, devDir)
		if err != nil {
			return err
		}
		if dev != nil && m.keyFile == "" {
			m.keyFile, m.tenant = dev.JWTKeyFile, firstOf(m.tenant, dev.Tenant)
		}
	}
	switch {
	case m.keyFile == "":
		return usagef("--jwt-key is missing: name a private key, %s token --new-key DIR makes one, or start %s dev", c.self, c.self)
	case m.tenant == "":
		return usagef("--tenant is missing: name the tenant as the configuration does")
	}
	return nil
}

func (m *minter) mint(user, device string, ttl time.Duration) (string, time.Time, error) {
	signer, err := token.LoadSigner(m.keyFile)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("cannot use the key: %w", err)
	}
	now := time.Now()
	id := token.Identity{Tenant: m.tenant, User: user, Device: device, ExpiresAt: now.Add(ttl)}
	text, err := signer.Sign(id, now)
	return text, id.ExpiresAt, err
}

// runToken mints a device token as a tenant's backend would.
func runToken(_ context.Context, c *console, args []string) error {
	f := newFlags(c, "token", "token --user U --device D [flags], or token --new-key DIR",
		"Prints a token (JWT) with which a device connects. Anybody who has it can connect\n"+
			"as the device until it expires.")
	var m minter
	user := f.String("user", "", "`USER` the token is for")
	device := f.String("device", "", "`DEVICE` the token is for")
	ttl := f.Duration("ttl", 24*time.Hour, "`DURATION` until it expires. Default: 24h")
	m.register(f)
	dev := f.String("dev", "", devUsage)
	newKey := f.String("new-key", "", "`DIR` to write a new key into, private and public, instead of a token")
	asJSON := f.Bool("json", false, "print JSON, schema hawser.token/1")
	if err := f.parse(args); err != nil {
		return err
	}
	if *newKey != "" {
		return writeNewKey(c, *newKey)
	}
	switch {
	case *user == "" || *device == "":
		return usagef("--user and --device are both needed: a token is for one device")
	case *ttl <= 0:
		return usagef("--ttl %s must be above zero", *ttl)
	}
	if err := checkNames(*user, *device); err != nil {
		return err
	}
	if err := m.fill(c, *dev); err != nil {
		return err
	}
	text, expires, err := m.mint(*user, *device, *ttl)
	if err != nil {
		return err
	}
	if *asJSON {
		return c.json(tokenResult{"hawser.token/1", text, expires.UTC().Format(time.RFC3339)})
	}
	c.printf("%s\n", text)
	return nil
}

// checkNames checks the values of --user and --device.
func checkNames(user, device string) error {
	for _, name := range []struct{ flag, value string }{{"--user", user}, {"--device", device}} {
		if err := wire.CheckID(name.flag, name.value); err != nil {
			return usagef("%w", err)
		}
	}
	return nil
}

// writeNewKey never replaces a key: tokens in the field depend on it.
func writeNewKey(c *console, dir string) error {
	private, public, err := token.GenerateKey()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	key, jwks := filepath.Join(dir, privateKeyName), filepath.Join(dir, publicKeysName)
	if _, err := os.Stat(jwks); err == nil {
		return fmt.Errorf("%s exists already: choose another directory", jwks)
	}
	if err := token.WriteKey(key, private); err != nil {
		return fmt.Errorf("cannot write the key, choose another directory: %w", err)
	}
	if err := os.WriteFile(jwks, public, 0o644); err != nil {
		return err
	}
	c.printf("%s signs tokens: give it to your backend and to nobody else\n", key)
	c.printf("%s verifies them: name it in the tenant's jwks_files\n", jwks)
	return nil
}
