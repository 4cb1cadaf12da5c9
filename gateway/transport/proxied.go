package transport

import (
	"context"
	"errors"
	"io"
	"net/netip"

	"github.com/hawser-edge/hawser/gateway/transport/proxyproto"
)

// isProxy reports whether connections from there begin with a header that says
// whose they are.
func (l *tcpListener) isProxy(from netip.AddrPort) bool {
	for _, p := range l.cfg.Proxies {
		if p.Contains(from.Addr()) {
			return true
		}
	}
	return false
}

// introduce reads from r who a proxy's connection is for, before its handshake
// and within its time. Elsewhere it does nothing.
func (l *tcpListener) introduce(ctx context.Context, in *incoming, r io.Reader) error {
	if len(l.cfg.Proxies) == 0 || !l.isProxy(in.remote()) {
		return nil
	}
	client, err := proxyproto.Read(r)
	if errors.Is(err, proxyproto.ErrHeader) {
		attemptFrom(ctx).decide(RejectProxy)
	}
	if err != nil {
		return err
	}
	if client.IsValid() {
		in.comesFrom(client)
	}
	if reason := l.enter(in.seat(), in.remote()); reason != "" {
		attemptFrom(ctx).decide(reason)
		return errNoRoom
	}
	return nil
}
