package pushtest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
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

	// Guarded by mu: once ended, no handler begins.
	mu       sync.Mutex
	ended    bool
	handlers sync.WaitGroup
}

// listen opens the port; serve then answers on it. addr may be empty: any free
// port of 127.0.0.1.
func listen(addr string, maxStreams int, h http.Handler) (*server, error) {
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
	}
	s.http = &http.Server{
		Handler:           s.counted(h),
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{ca.cert}, MinVersion: tls.VersionTLS12},
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(discard{}, "", 0), // broken connections are part of the tests
	}
	return s, nil
}

// serve begins to answer, on a goroutine that Close waits for.
func (s *server) serve() {
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

// counted lets Close wait for the handlers, which http.Server.Close does not.
func (s *server) counted(h http.Handler) http.Handler {
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
