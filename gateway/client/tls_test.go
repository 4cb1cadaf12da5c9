package client

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"testing"

	"github.com/hawser-edge/hawser/gateway/transport"
)

// What a device offers is what its configuration says, and its TLS stays as it
// is.
func TestKeyExchangeOffered(t *testing.T) {
	own := &tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP256}}
	for _, c := range []struct {
		cfg  Config
		want []tls.CurveID
	}{
		{Config{}, []tls.CurveID{tls.X25519, tls.CurveP256}},
		{Config{PostQuantum: true}, []tls.CurveID{tls.X25519MLKEM768, tls.X25519, tls.CurveP256}},
		{Config{PostQuantum: true, TLS: &tls.Config{}}, []tls.CurveID{tls.X25519MLKEM768, tls.X25519, tls.CurveP256}},
		{Config{PostQuantum: true, TLS: own}, []tls.CurveID{tls.CurveP256}},
	} {
		was := c.cfg.TLS.Clone()
		got := c.cfg.tls()
		if !slices.Equal(got.CurvePreferences, c.want) {
			t.Errorf("offers %v, want %v", got.CurvePreferences, c.want)
		}
		if was != nil && !slices.Equal(was.CurvePreferences, c.cfg.TLS.CurvePreferences) {
			t.Error("the application's TLS was changed")
		}
	}
}

// helloSize is the length of the ClientHello that a device sends over TCP, in
// bytes.
func helloSize(t *testing.T, config *tls.Config) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = transport.DialTCP(ctx, l.Addr().String(), config) // it is not answered
	}()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var header [5]byte
	if _, err := io.ReadFull(c, header[:]); err != nil {
		t.Fatal(err)
	}
	cancel()
	<-ended
	return int(binary.BigEndian.Uint16(header[3:]))
}

// The README names these lengths.
func TestHelloSize(t *testing.T) {
	ours := helloSize(t, Config{TLS: &tls.Config{ServerName: "edge.example.com"}}.tls())
	quantum := helloSize(t, Config{PostQuantum: true, TLS: &tls.Config{ServerName: "edge.example.com"}}.tls())
	stock := helloSize(t, &tls.Config{ServerName: "edge.example.com"})
	t.Logf("a ClientHello has %d bytes, with PostQuantum %d, that of crypto/tls %d", ours, quantum, stock)
	if ours > 300 || quantum-ours < 1184 || quantum > 1500 {
		t.Error("what the device sends is not what the README says")
	}
}
