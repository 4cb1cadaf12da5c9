package node_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// A raw device says what the test tells it to, right or wrong, and answers
// nothing by itself.
type raw struct {
	t      testing.TB
	fleet  *fleet
	tcp    *net.TCPConn
	conn   *tls.Conn
	reader *wire.Reader
}

// dial makes a TLS connection to an edge and says nothing on it.
func (f *fleet) dial(edge string) *raw {
	f.t.Helper()
	tcp, err := net.Dial("tcp", f.edgeAddr(edge))
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = tcp.Close() })
	cfg := f.tls.Clone()
	cfg.NextProtos, cfg.ServerName = []string{wire.ALPN}, "localhost"
	conn := tls.Client(tcp, cfg)
	_ = conn.SetDeadline(time.Now().Add(patience))
	if err := conn.Handshake(); err != nil {
		f.t.Fatal(err)
	}
	return &raw{f.t, f, tcp.(*net.TCPConn), conn, wire.NewReader(conn, wire.MaxPayload)}
}

// greeted is dial with Hello and Welcome behind it.
func (f *fleet) greeted(edge, user, device string, change func(*wirepb.Hello)) (*raw, *wirepb.Welcome) {
	f.t.Helper()
	hello := f.hello(user, device)
	if change != nil {
		change(hello)
	}
	r := f.dial(edge)
	r.send(&wire.Hello{Body: hello})
	return r, r.welcome()
}

// hello is a right one, of tenantA.
func (f *fleet) hello(user, device string) *wirepb.Hello {
	f.t.Helper()
	return &wirepb.Hello{
		Token:    f.token(tenantA, user, device),
		Platform: wirepb.Platform_PLATFORM_IOS, App: devmode.IOSApp,
	}
}

func (r *raw) welcome() *wirepb.Welcome {
	r.t.Helper()
	f, err := r.reader.Next()
	if err != nil {
		r.t.Fatal(err)
	}
	w, ok := f.(*wire.Welcome)
	if !ok {
		r.t.Fatalf("instead of Welcome came %v: %+v", f.Type(), f)
	}
	return w.Body
}

func (r *raw) send(frames ...wire.Frame) {
	r.t.Helper()
	var b []byte
	for _, f := range frames {
		b = wire.Append(b, f)
	}
	r.write(b)
}

func (r *raw) write(b []byte) {
	r.t.Helper()
	if _, err := r.conn.Write(b); err != nil {
		r.t.Fatal(err)
	}
}

// await returns the next frame of the wanted type and passes over others.
func await[F wire.Frame](r *raw) F {
	r.t.Helper()
	_ = r.conn.SetDeadline(time.Now().Add(patience))
	for {
		f, err := r.reader.Next()
		if err != nil {
			var none F
			r.t.Fatalf("while waiting for a %T: %v", none, err)
		}
		if wanted, ok := f.(F); ok {
			return wanted
		}
	}
}

// wantClose expects Close, and the connection's end behind it.
func (r *raw) wantClose(code wire.CloseCode) string {
	r.t.Helper()
	c := await[*wire.Close](r)
	if c.Code != code {
		r.t.Errorf("closed with %d %v (%s), want %d", c.Code, c.Code, c.Reason, code)
	}
	if _, err := r.reader.Next(); !errors.Is(err, io.EOF) {
		r.t.Errorf("behind Close there is %v", err)
	}
	return c.Reason
}
