package transport_test

import (
	"context"
	"crypto/tls"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/transport/transporttest"
)

type (
	listen func(transport.ListenConfig) (transport.Listener, error)
	dial   func(context.Context, string, *tls.Config) (transport.Conn, error)
)

var implementations = []struct {
	name   string
	listen listen
	dial   dial
}{
	{"tcp", transport.ListenTCP, transport.DialTCP},
	{"quic", transport.ListenQUIC, transport.DialQUIC},
}

func TestConformance(t *testing.T) {
	server, client := newTLS(t)
	for _, i := range implementations {
		t.Run(i.name, func(t *testing.T) {
			transporttest.Run(t, func(t *testing.T) (transport.Listener, func(context.Context) (transport.Conn, error)) {
				l, err := i.listen(transport.ListenConfig{Addr: "127.0.0.1:0", TLS: server, HandshakeTimeout: time.Minute})
				if err != nil {
					t.Fatal(err)
				}
				return l, func(ctx context.Context) (transport.Conn, error) {
					return i.dial(ctx, l.Addr().String(), client)
				}
			})
		})
	}
}
