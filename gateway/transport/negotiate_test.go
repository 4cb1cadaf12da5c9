package transport_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hawser-edge/hawser/gateway/transport"
)

// both listens on both transports and tells what is negotiated.
func both(t *testing.T, config *tls.Config) (addr string, negotiated chan tls.ConnectionState) {
	t.Helper()
	negotiated = make(chan tls.ConnectionState, 4)
	tcp, quic, err := transport.ListenBoth(transport.ListenConfig{
		Addr: "127.0.0.1:0", TLS: config,
		OnHandshake: func(_ transport.Kind, state *tls.ConnectionState) { negotiated <- *state },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []transport.Listener{tcp, quic} {
		go func() {
			for {
				c, err := l.Accept(t.Context())
				if err != nil {
					return
				}
				defer func() { _ = c.CloseWithCode(0, "") }()
			}
		}()
		t.Cleanup(func() { _ = l.Close() })
	}
	return tcp.Addr().String(), negotiated
}

// dialBoth connects once over each transport.
func dialBoth(t *testing.T, addr string, config *tls.Config) (states []tls.ConnectionState) {
	t.Helper()
	tcp, err := transport.DialTCP(t.Context(), addr, config)
	if err != nil {
		t.Fatal(err)
	}
	quic, err := transport.DialQUIC(t.Context(), addr, config)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []transport.Conn{tcp, quic} {
		if _, err := c.Write([]byte{0}); err != nil {
			t.Fatal(err)
		}
		states = append(states, c.TLS())
		_ = c.CloseWithCode(0, "")
	}
	return states
}

// The key exchange is the post-quantum one where both sides are for it.
func TestKeyExchange(t *testing.T) {
	server, client := newTLS(t)
	for _, c := range []struct {
		edge, device bool
		want         tls.CurveID
	}{{true, true, tls.X25519MLKEM768}, {true, false, tls.X25519}, {false, true, tls.X25519}, {false, false, tls.X25519}} {
		server.CurvePreferences = transport.KeyExchanges(c.edge)
		client.CurvePreferences = transport.KeyExchanges(c.device)
		addr, negotiated := both(t, server)
		dialBoth(t, addr, client)
		for range 2 {
			if got := (<-negotiated).CurveID; got != c.want {
				t.Errorf("edge %v, device %v: %s, want %s", c.edge, c.device, got, c.want)
			}
		}
	}
}

// aesOff is the environment of a process that puts ChaCha20-Poly1305 first.
const aesOff = "GODEBUG=cpu.aes=off"

// childAddr has this program be a device for the address in it.
const childAddr = "HAWSER_TEST_DIAL"

// What the environment of the device's process alone makes of the ciphers, on
// a machine that has instructions for AES and on one that has not.
func TestChaCha20First(t *testing.T) {
	if addr := os.Getenv(childAddr); addr != "" {
		beDevice(t, addr)
		return
	}
	server, _ := newTLS(t)
	addr, negotiated := both(t, server)
	file := filepath.Join(t.TempDir(), "edge.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: server.Certificates[0].Certificate[0]}
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	device := exec.Command(os.Args[0], "-test.run=^TestChaCha20First$", "-test.v")
	device.Env = append(os.Environ(), aesOff, childAddr+"="+addr+" "+file)
	if out, err := device.CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	for range 2 {
		if got := (<-negotiated).CipherSuite; got != tls.TLS_CHACHA20_POLY1305_SHA256 {
			t.Errorf("the edge chose %s", tls.CipherSuiteName(got))
		}
	}
}

// beDevice is the other process.
func beDevice(t *testing.T, to string) {
	addr, file, _ := strings.Cut(to, " ")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	dialBoth(t, addr, &tls.Config{RootCAs: roots})
}
