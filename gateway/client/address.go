package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/hawser-edge/hawser/gateway/transport"
)

// maxAddresses bounds what one race tries.
const maxAddresses = 8

// An address is one place where an edge may be.
type address struct {
	at   string // host:port, as it is dialed
	name string // that the edge's certificate is for; empty: the host in at
}

func splitAddrs(list string) []string {
	addrs := strings.Split(list, ",")
	for i, a := range addrs {
		addrs[i] = strings.TrimSpace(a)
	}
	return addrs
}

func checkAddrs(list string) error {
	for _, a := range splitAddrs(list) {
		if _, _, err := net.SplitHostPort(a); err != nil {
			return fmt.Errorf("client: Config.Addr must be host:port, or several with commas between them: %w", err)
		}
	}
	return nil
}

// asGiven are the addresses for a Dial of the application's own.
func asGiven(list string) []address {
	var out []address
	for _, a := range splitAddrs(list) {
		out = append(out, address{at: a})
	}
	return out[:min(len(out), maxAddresses)]
}

// resolve returns every address behind the names. A name that is not found
// counts only if nothing is.
func resolve(ctx context.Context, list string) ([]address, error) {
	var out []address
	var failures error
	for _, a := range splitAddrs(list) {
		found, err := lookup(ctx, a)
		out, failures = append(out, found...), errors.Join(failures, err)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("client: find the edge: %w", failures)
	}
	return out[:min(len(out), maxAddresses)], nil
}

func lookup(ctx context.Context, hostport string) ([]address, error) {
	host, service, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, err
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	// More networks carry it, and one without says so at once.
	slices.SortStableFunc(ips, func(a, b netip.Addr) int { return a.Unmap().BitLen() - b.Unmap().BitLen() })
	var out []address
	for _, ip := range ips {
		out = append(out, address{at: net.JoinHostPort(ip.Unmap().String(), service), name: host})
	}
	return out, nil
}

// tls is the configuration of every dial.
func (cfg Config) tls() *tls.Config {
	config := cfg.TLS.Clone() // nil of nil
	if config == nil {
		config = &tls.Config{}
	}
	if config.CurvePreferences == nil {
		config.CurvePreferences = transport.KeyExchanges(cfg.PostQuantum)
	}
	return config
}

// dialAddress dials with the package's own transports.
func dialAddress(ctx context.Context, kind transport.Kind, a address, config *tls.Config) (transport.Conn, error) {
	if config.ServerName == "" {
		config = config.Clone()
		config.ServerName = a.name
	}
	if kind == transport.QUIC {
		return transport.DialQUIC(ctx, a.at, config)
	}
	return transport.DialTCP(ctx, a.at, config)
}
