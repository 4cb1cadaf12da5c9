package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/hawser-edge/hawser/gateway/config"
)

// mintedTTL is the life of a token that connect mints for itself. It is short:
// the client asks for a new one when the edge says that one is about to expire.
const mintedTTL = time.Hour

// deviceDoor is an edge and a way to log in, as the command line names them.
type deviceDoor struct {
	minter
	addr, caFile, tokenFile, dev string
}

func (d *deviceDoor) register(f *flags) {
	f.StringVar(&d.addr, "addr", "", "`HOST:PORT` of the edge. Default: HAWSER_ADDR, or a running dev's")
	f.StringVar(&d.caFile, "ca-file", "", "`FILE` with the authorities of the edge's certificate. Default: a running dev's, or the system's")
	f.StringVar(&d.tokenFile, "token-file", "", "`FILE` with the device's token, read anew for each connection. Default: mint one with --jwt-key")
	d.minter.register(f)
	f.StringVar(&d.dev, "dev", "", devUsage)
}

// find fills what no flag named from a dev that runs beside. The authorities
// of dev are taken for the edge of dev only.
func (d *deviceDoor) find(c *console) error {
	d.addr = cmp.Or(d.addr, c.getenv("HAWSER_ADDR"))
	if d.addr == "" || d.dev != "" {
		dev, err := findDev(c, d.dev)
		if err != nil {
			return err
		}
		if dev != nil && (d.addr == "" || d.addr == dev.Addr) {
			d.addr, d.caFile = dev.Addr, cmp.Or(d.caFile, dev.CAFile)
		}
	}
	if d.addr == "" {
		return usagef("no edge: name one with --addr, or start %s dev", c.self)
	}
	if host, port, err := net.SplitHostPort(d.addr); err != nil || host == "" || port == "" {
		return usagef("--addr %.80q is not host:port: write for example 127.0.0.1:7443", d.addr)
	}
	if d.tokenFile != "" {
		return nil
	}
	return d.fill(c, d.dev)
}

// tls returns what the edge's certificate is checked with.
func (d *deviceDoor) tls() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS13}
	if d.caFile == "" {
		return cfg, nil
	}
	pool, err := loadCAs(d.caFile)
	cfg.RootCAs = pool
	return cfg, err
}

// token returns what the client asks for a token with.
func (d *deviceDoor) token(user, device string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) {
		if d.tokenFile != "" {
			text, err := config.SecretFile(d.tokenFile).ReadTrimmed()
			if err != nil {
				return "", fmt.Errorf("cannot read the device's token: %w", err)
			}
			return string(text), nil
		}
		text, _, err := d.mint(user, device, mintedTTL)
		return text, err
	}
}
