package transport_test

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
)

// A peer that asks for one key update after the other and reads none of the
// answers fills the socket's buffer. It needs no token for that, and must not
// hold the Read, and the place before Hello, beyond the deadline.
func TestKeyUpdatesDoNotHoldARead(t *testing.T) {
	server, client := newTLS(t)
	l, err := transport.ListenTCP(transport.ListenConfig{Addr: "127.0.0.1:0", TLS: server})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	flooder := dialFlooder(t, l.Addr().String(), client)
	edge, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = edge.CloseWithCode(0, "") })
	if err := transport.ShrinkWriteBuffer(edge); err != nil {
		t.Fatal(err)
	}
	full := make(chan struct{})
	go func() { defer close(full); flooder.flood() }()
	_ = edge.SetReadDeadline(time.Now().Add(time.Minute))
	read := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, edge)
		read <- err
	}()
	// The flooder gets no further once the edge has stopped to read.
	<-full
	_ = edge.SetReadDeadline(time.Now())
	select {
	case err := <-read:
		if err == nil {
			t.Error("Read ended well")
		}
	case <-time.After(time.Minute):
		t.Error("Read is held beyond its deadline")
	}
}

// flooder is a TLS client that writes records of its own making.
type flooder struct {
	raw    net.Conn
	secret []byte // of the client's application traffic
	sent   byte   // records under it
}

func dialFlooder(t *testing.T, addr string, config *tls.Config) *flooder {
	t.Helper()
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	// Small, so that little is enough to fill them.
	_ = raw.(*net.TCPConn).SetReadBuffer(4096)
	_ = raw.(*net.TCPConn).SetWriteBuffer(4096)
	keys, log := io.Pipe()
	secret := make(chan string, 1)
	go func() {
		for s := bufio.NewScanner(keys); s.Scan(); {
			if f := strings.Fields(s.Text()); f[0] == "CLIENT_TRAFFIC_SECRET_0" {
				secret <- f[2]
			}
		}
	}()
	config = config.Clone()
	config.NextProtos, config.ServerName, config.KeyLogWriter = []string{"hawser/1"}, "127.0.0.1", log
	tc := tls.Client(raw, config)
	if err := tc.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	_ = log.Close()
	if tc.ConnectionState().CipherSuite != tls.TLS_AES_128_GCM_SHA256 {
		t.Skip("the flood is written for AES-128-GCM, which this machine does not prefer")
	}
	f := &flooder{raw: raw}
	if f.secret, err = hex.DecodeString(<-secret); err != nil {
		t.Fatal(err)
	}
	return f
}

// flood sends key updates until the other side takes none for a while, with a
// byte of a frame now and then: crypto/tls refuses too many in a row.
func (f *flooder) flood() {
	const (
		handshake, data = 22, 23
		inARow          = 15
	)
	for {
		var b []byte
		for range inARow {
			// key_update(update_requested): "my keys change, change yours".
			b = append(b, f.record(handshake, 24, 0, 0, 1, 1)...)
			f.secret, f.sent = expand(f.secret, "traffic upd", 32), 0
		}
		b = append(b, f.record(data, 0)...)
		_ = f.raw.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
		if _, err := f.raw.Write(b); err != nil {
			return
		}
	}
}

func (f *flooder) record(typ byte, content ...byte) []byte {
	block, err := aes.NewCipher(expand(f.secret, "key", 16))
	if err != nil {
		panic(err)
	}
	seal, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	nonce := expand(f.secret, "iv", 12)
	nonce[11] ^= f.sent
	f.sent++
	plain := append(content, typ)
	header := []byte{23, 3, 3, 0, byte(len(plain) + seal.Overhead())}
	return seal.Seal(header, nonce, plain, header)
}

// expand is HKDF-Expand-Label of TLS 1.3 without a context.
func expand(secret []byte, label string, n int) []byte {
	label = "tls13 " + label
	info := binary.BigEndian.AppendUint16(nil, uint16(n))
	info = append(append(append(info, byte(len(label))), label...), 0)
	out, err := hkdf.Expand(sha256.New, secret, string(info), n)
	if err != nil {
		panic(err)
	}
	return out
}
