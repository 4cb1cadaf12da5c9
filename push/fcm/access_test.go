package fcm

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2/jwt"
)

// tokenEndpoint gives access tokens that are good for an hour. It listens to
// pipes, which virtual time can pass beside, unlike sockets.
type tokenEndpoint struct {
	t      *testing.T
	access *accessTokens
	asked  atomic.Int64
	// away: it answers that it is not available. silent: it does not answer.
	away, silent atomic.Bool
}

// startTokenEndpoint is to be called inside a bubble, and its end before that's.
func startTokenEndpoint(t *testing.T, key []byte) (e *tokenEndpoint, end func()) {
	t.Helper()
	e = &tokenEndpoint{t: t}
	conf := &jwt.Config{Email: "sender@example.com", PrivateKey: key, TokenURL: "http://oauth.example/token"}
	e.access = newAccessTokens(conf, &tls.Config{}, quiet())
	conns := pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	e.access.base.DialContext = conns.dial
	srv := &http.Server{Handler: e}
	served := make(chan struct{})
	go func() { _ = srv.Serve(conns); close(served) }()
	return e, func() {
		e.access.close()
		_ = srv.Close()
		<-served
	}
}

func (e *tokenEndpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := e.asked.Add(1)
	_, _ = io.Copy(io.Discard, r.Body) // else its end goes unnoticed
	switch {
	case e.silent.Load():
		<-r.Context().Done()
	case e.away.Load():
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":"token %d","token_type":"Bearer","expires_in":3600}`, n)
	}
}

// want gets a token, empty for none, and compares how often the endpoint was asked
// so far, and how long it took.
func (e *tokenEndpoint) want(what, token string, asked int64, within time.Duration) {
	e.t.Helper()
	began := time.Now()
	got, err := e.access.get(e.t.Context())
	if got != token || (err == nil) != (token != "") || e.asked.Load() != asked || time.Since(began) > within {
		e.t.Errorf("%s: %q, %v after %v, asked %d times; want %q within %v, asked %d times",
			what, got, err, time.Since(began), e.asked.Load(), token, within, asked)
	}
}

// pipes are connections within this process.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error { close(p.closed); return nil }

func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

// An access token serves all messages of its hour but those of the last minute,
// which get another one. Where none is to be had it serves nearly to its end.
func TestAccessTokensLastAnHour(t *testing.T) {
	inVirtualTime(t, func(e *tokenEndpoint) {
		e.want("the first", "token 1", 1, 0)
		time.Sleep(59*time.Minute - time.Second)
		e.want("before the last minute", "token 1", 1, 0)
		time.Sleep(2 * time.Second)
		e.want("in the last minute", "token 2", 2, 0)
		e.want("after it", "token 2", 2, 0)

		time.Sleep(59*time.Minute + time.Second)
		e.away.Store(true)
		e.want("none to be had", "token 2", 3, 0)
		time.Sleep(4 * time.Second)
		e.want("a moment later, unasked", "token 2", 3, 0)
		time.Sleep(2 * time.Second)
		e.want("five seconds later", "token 2", 4, 0)
		e.silent.Store(true)
		time.Sleep(6 * time.Second)
		e.want("no answer: the message waits a little", "token 2", 5, 3*time.Second)
		time.Sleep(40 * time.Second)
		e.silent.Store(false)
		e.want("too late for its last seconds", "", 6, 0)
		e.away.Store(false)
		time.Sleep(1100 * time.Millisecond)
		e.want("one to be had again", "token 7", 7, 0)
	})
}

// Where there is no token, messages do not ask for one each, and do not wait long
// after the endpoint is back.
func TestFailureToGetATokenAnswersForASecond(t *testing.T) {
	inVirtualTime(t, func(e *tokenEndpoint) {
		e.away.Store(true)
		for range 10 {
			e.want("away", "", 1, 0)
		}
		time.Sleep(900 * time.Millisecond)
		e.want("within the second", "", 1, 0)
		time.Sleep(200 * time.Millisecond)
		e.want("after it", "", 2, 0)
		e.away.Store(false)
		time.Sleep(1100 * time.Millisecond)
		e.want("back", "token 3", 3, 0)
	})
}

// A message without a token waits for one for ten seconds.
func TestSilentTokenEndpoint(t *testing.T) {
	inVirtualTime(t, func(e *tokenEndpoint) {
		e.silent.Store(true)
		e.want("silent", "", 1, 10*time.Second)
		e.silent.Store(false)
		time.Sleep(1100 * time.Millisecond)
		e.want("not silent", "token 2", 2, 0)
	})
}

func inVirtualTime(t *testing.T, f func(*tokenEndpoint)) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	synctest.Test(t, func(t *testing.T) {
		e, end := startTokenEndpoint(t, text)
		defer end()
		f(e)
	})
}
