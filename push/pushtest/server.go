package pushtest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// server is an HTTPS server on loopback with HTTP/2. It is embedded in both
// simulators.
type server struct {
	// Static after construction.
	authority *authority
	listener  *freezer
	http      *http.Server
	closing   chan struct{}
	served    chan struct{}
	closeOnce sync.Once

	// Static after construction.
	svc     service
	streams int // what a connection begins with

	// Guarded by mu: once ended, no handler begins.
	mu       sync.Mutex
	ended    bool
	handlers sync.WaitGroup
	conns    map[*frameConn]struct{}
	counted  int64 // connections so far
	overran  int64 // of connections that have ended
}

// maxConns bounds the connections with HTTP/2; further ones are closed.
const maxConns = 4096

// listen opens the port; start then answers on it. addr may be empty: any free
// port of 127.0.0.1.
func listen(addr string, streams int, svc service) (*server, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	ca, err := newAuthority(addr)
	if err != nil {
		return nil, fmt.Errorf("pushtest: certificate: %w", err)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("pushtest: %w", err)
	}
	s := &server{
		authority: ca,
		listener:  newFreezer(l),
		closing:   make(chan struct{}),
		served:    make(chan struct{}),
		svc:       svc,
		streams:   streams,
		conns:     map[*frameConn]struct{}{},
	}
	s.http = &http.Server{
		Handler:           s.tracked(overHTTP1{svc}),
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{ca.cert}, MinVersion: tls.VersionTLS12},
		TLSNextProto:      map[string]func(*http.Server, *tls.Conn, http.Handler){"h2": s.serveFrames},
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(discard{}, "", 0), // broken connections are part of the tests
	}
	return s, nil
}

// start begins to answer, on a goroutine that Close waits for.
func (s *server) start() {
	go func() {
		defer close(s.served)
		_ = s.http.ServeTLS(s.listener, "", "")
	}()
}

// URL is the service's address, without a path.
func (s *server) URL() string { return "https://" + s.listener.Addr().String() }

// RootCAs verifies the simulator's certificate.
func (s *server) RootCAs() *x509.CertPool { return s.authority.pool() }

// CAPEM is the simulator's certificate authority as PEM.
func (s *server) CAPEM() []byte { return s.authority.pem() }

// Freeze stops the network: open connections carry nothing, not even the
// answer to a ping, until Freeze(false).
func (s *server) Freeze(on bool) { s.listener.set(on) }

// Connections returns how many connections were accepted so far.
func (s *server) Connections() int { return s.listener.connections() }

// Close ends the simulator and waits for its goroutines. Requests under way
// fail.
func (s *server) Close() error {
	var err error
	s.closeOnce.Do(func() {
		close(s.closing)
		s.listener.set(false)
		s.mu.Lock()
		s.ended = true
		s.mu.Unlock()
		err = ignoreClosed(s.http.Close())
		<-s.served
		s.handlers.Wait()
	})
	return err
}

// serveFrames takes a connection on which HTTP/2 was agreed on.
func (s *server) serveFrames(_ *http.Server, nc *tls.Conn, _ http.Handler) {
	s.mu.Lock()
	if s.ended || len(s.conns) >= maxConns {
		s.mu.Unlock()
		return
	}
	s.counted++
	c := newFrameConn(s.counted, nc, s.svc, s.streams)
	s.conns[c] = struct{}{}
	s.handlers.Add(1)
	s.mu.Unlock()
	defer s.handlers.Done()
	c.serve()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.overran += c.memory.overran.Load()
}

// each calls f for every connection that is open.
func (s *server) each(f func(*frameConn)) {
	s.mu.Lock()
	open := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock()
	for _, c := range open {
		f(c)
	}
}

// GoAway says farewell on every open connection, with Apple's word for it:
// what is under way is answered, what comes later is not looked at, and the
// connection ends.
func (s *server) GoAway() { s.each(func(c *frameConn) { c.leave(shutdownReason) }) }

// Silence makes every open connection take bytes and never say another word,
// not even to a ping, for good. New connections work.
func (s *server) Silence() { s.each((*frameConn).silence) }

// Cut ends every open connection without a word.
func (s *server) Cut() { s.each((*frameConn).close) }

// Overran returns how many requests came above the limit of streams that their
// connection had been given; they were refused.
func (s *server) Overran() int64 {
	var n int64
	s.each(func(c *frameConn) { n += c.memory.overran.Load() })
	s.mu.Lock()
	defer s.mu.Unlock()
	return n + s.overran
}

// tracked lets Close wait for the handlers, which http.Server.Close does not.
func (s *server) tracked(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		if s.ended {
			s.mu.Unlock()
			panic(http.ErrAbortHandler)
		}
		s.handlers.Add(1)
		s.mu.Unlock()
		defer s.handlers.Done()
		h.ServeHTTP(w, r)
	})
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
