package transport_test

import (
	"context"
	"crypto/tls"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/hawser-edge/hawser/gateway/admission"
	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
)

// What connections take up comes back however they end: else an edge would
// refuse everybody after some days.
func TestEverythingComesBack(t *testing.T) {
	for name, c := range map[string]struct {
		listen listen
		cfg    transport.ListenConfig
		use    func(*rejecting, *rand.Rand)
	}{
		"tcp":             {transport.ListenTCP, transport.ListenConfig{}, endTCP},
		"tcp behind some": {transport.ListenTCP, transport.ListenConfig{Proxies: proxies}, endTCP},
		"quic":            {transport.ListenQUIC, transport.ListenConfig{}, endQUIC},
	} {
		t.Run(name, func(t *testing.T) { comesBack(t, c.listen, c.cfg, c.use) })
	}
}

func comesBack(t *testing.T, listen listen, cfg transport.ListenConfig, use func(*rejecting, *rand.Rand)) {
	const workers, each, most = 8, 20, 5
	cfg.Sources = admission.NewSources(admission.Limits{UnfinishedPerAddress: most, PerAddress: most})
	cfg.MaxHandshakes, cfg.HandshakeTimeout = most, 2*time.Second
	r := newRejecting(t, listen, cfg)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for range r.reasons {
		}
	}()
	served := make(chan struct{})
	go func() {
		defer close(served)
		hold := func(c transport.Conn) {
			_ = c.SetReadDeadline(time.Now().Add(time.Second))
			if n, _ := c.Read(make([]byte, 1)); n > 0 {
				transport.Welcomed(c)
			}
			_ = c.CloseWithCode(3000, "")
			if p, ok := c.(transport.Parker); ok {
				p.Park(nobody{})
			}
		}
		if d, ok := r.Listener.(transport.Direct); ok {
			_ = d.Each(ctx, hold)
			return
		}
		for {
			c, err := r.Accept(ctx)
			if err != nil {
				return
			}
			go hold(c)
		}
	}()
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(w), 3))
			for range each {
				use(r, rnd)
			}
		})
	}
	all.Wait()
	until(t, "the end of all", func() bool { return cfg.Sources.Unfinished() == 0 && transport.Sockets(r.Listener) == 0 })
	from := r.Addr().Addr()
	if len(cfg.Proxies) > 0 {
		from = proxied
	}
	until(t, "room for as many as there may be", func() bool {
		var places [most]admission.Place
		ok := true
		for i := range places {
			ok = cfg.Sources.Enter(&places[i], from) == admission.Admitted && ok
		}
		for i := range places {
			cfg.Sources.Leave(&places[i])
		}
		return ok
	})
	cancel()
	<-served
}

// proxied is whose the connections with proxyHeader(9) are.
var proxied = netip.AddrFrom4([4]byte{203, 0, 113, 9})

// endTCP is a connection that ends in some way.
func endTCP(r *rejecting, rnd *rand.Rand) {
	raw, err := net.Dial("tcp", r.addr())
	if err != nil {
		return
	}
	defer raw.Close()
	_ = raw.SetDeadline(time.Now().Add(5 * time.Second))
	if rnd.IntN(3) == 0 {
		_ = raw.(*net.TCPConn).SetLinger(0) // ends with a reset
	}
	header := proxyHeader(9)
	switch rnd.IntN(6) {
	case 0:
		header = header[:rnd.IntN(len(header))]
	case 1:
		header = slices.Clone(proxyLocal)
	}
	config := r.client.Clone()
	config.NextProtos, config.ServerName = []string{wire.ALPN}, "127.0.0.1"
	switch rnd.IntN(7) {
	case 0:
		return
	case 1:
		send(string(header))(raw, nil)
		return
	case 2:
		send(string(header)+"\x16\x03\x01\x02\x00half")(raw, nil)
		return
	case 3:
		config.NextProtos = []string{"h2"}
	case 4:
		config.ServerName = "other" // refuses the certificate
	case 5:
		config.NextProtos = []string{transport.ALPNProbe}
	}
	var c net.Conn = raw
	if rnd.IntN(2) > 0 { // else no header, as behind no proxy
		c = &behind{raw, header}
	}
	device := tls.Client(c, config)
	if device.Handshake() != nil {
		return
	}
	if rnd.IntN(2) == 0 {
		_, _ = device.Write([]byte{1})
	}
	if rnd.IntN(2) == 0 {
		_, _ = device.Read(make([]byte, 1))
	}
}

// endQUIC is endTCP for QUIC.
func endQUIC(r *rejecting, rnd *rand.Rand) {
	config := r.client.Clone()
	config.NextProtos = []string{wire.ALPN}
	if rnd.IntN(5) == 0 {
		config.NextProtos = []string{"h3"}
	}
	within := 5 * time.Second
	if rnd.IntN(4) == 0 {
		within = time.Duration(rnd.IntN(5)) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	qc, err := quic.DialAddr(ctx, r.addr(), config, &quic.Config{HandshakeIdleTimeout: 2 * time.Second})
	if err != nil {
		return
	}
	defer func() { _ = qc.CloseWithError(0, "") }()
	if rnd.IntN(3) == 0 {
		return
	}
	stream, err := qc.OpenStream()
	if err != nil {
		return
	}
	_ = stream.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = stream.Write([]byte{1})
	if rnd.IntN(2) == 0 {
		_, _ = stream.Read(make([]byte, 1))
	}
}
