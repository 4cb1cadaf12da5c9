package main

import (
	"cmp"
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
			m.keyFile, m.tenant = dev.JWTKeyFile, cmp.Or(m.tenant, dev.Tenant)
		}
	}
	switch {
	case m.keyFile == "":
		return usagef("--jwt-key is missing: name a private key, %s token --new-key DIR makes one, or start %s dev", c.self, c.self)
	case m.tenant == "":
		return usagef("--tenant is missing: name the tenant as the configuration does")
	}
	return checkName("--tenant", m.tenant)
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

// tokenFlags are the flags of token.
type tokenFlags struct {
	*flags
	minter
	user, device string
	ttl          time.Duration
	dev, newKey  string
	asJSON       bool
}

func newTokenFlags(c *console) *tokenFlags {
	f := &tokenFlags{flags: newFlags(c, "token", "token --user U --device D [flags], or token --new-key DIR",
		"Prints a token (JWT) with which a device connects. Anybody who has it can connect\n"+
			"as the device until it expires.")}
	f.StringVar(&f.user, "user", "", "`USER` the token is for")
	f.StringVar(&f.device, "device", "", "`DEVICE` the token is for")
	f.DurationVar(&f.ttl, "ttl", 24*time.Hour, "`DURATION` until it expires. Default: 24h")
	f.register(f.flags)
	f.StringVar(&f.dev, "dev", "", devUsage)
	f.StringVar(&f.newKey, "new-key", "", "`DIR` to write a new key into, private and public, instead of a token")
	f.BoolVar(&f.asJSON, "json", false, "print JSON, schema hawser.token/1")
	return f
}

// runToken mints a device token as a tenant's backend would.
func runToken(_ context.Context, c *console, args []string) error {
	f := newTokenFlags(c)
	if err := f.parse(args); err != nil {
		return err
	}
	if f.newKey != "" {
		return writeNewKey(c, f.newKey)
	}
	if err := f.check(); err != nil {
		return err
	}
	if err := f.fill(c, f.dev); err != nil {
		return err
	}
	text, expires, err := f.mint(f.user, f.device, f.ttl)
	if err != nil {
		return err
	}
	if f.asJSON {
		return c.json(tokenResult{"hawser.token/1", text, expires.UTC().Format(time.RFC3339)})
	}
	c.printf("%s\n", text)
	return nil
}

func (f *tokenFlags) check() error {
	switch {
	case f.user == "" || f.device == "":
		return usagef("--user and --device are both needed: a token is for one device")
	case f.ttl <= 0:
		return usagef("--ttl %s must be above zero", f.ttl)
	}
	return checkNames(f.user, f.device)
}

// checkNames checks the values of --user and --device.
func checkNames(user, device string) error {
	if err := checkName("--user", user); err != nil {
		return err
	}
	return checkName("--device", device)
}

func checkName(flag, value string) error {
	if err := wire.CheckID(flag, value); err != nil {
		return usagef("%w", err)
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
