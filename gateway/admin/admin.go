// Package admin is the HTTP of operators: metrics, health, readiness and
// version of one process. It changes nothing and has no login, so it listens on
// the loopback unless the configuration says otherwise.
//
//	GET /metrics   Prometheus
//	GET /healthz   200 while the process runs: restart it when this fails
//	GET /readyz    200 when every check holds, 503 with the reasons otherwise:
//	               send it no work while this fails
//	GET /version   what was built, from what
//	GET /          a list of these
//
// With Config.Debug also, for those who measure:
//
//	GET  /debug/pprof/    the profiles of net/http/pprof
//	POST /debug/collect   collects the garbage, gives free memory back to the
//	                      system and tells what is left
//
// JSON bodies begin with "schema"; fields are added and never changed.
package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/net/netutil"
)

// Config is what a Server needs. Everything but Listen and Log may be zero.
type Config struct {
	// Listen is a TCP address, host:port; port 0 takes a free one.
	Listen string
	// Gatherer is what /metrics shows. Nil: nothing.
	Gatherer prometheus.Gatherer
	// Checks decide on /readyz. None: the process is ready.
	Checks []Check
	// Debug adds the pages below /debug/.
	Debug bool
	// Log takes what goes wrong.
	Log *slog.Logger
}

const (
	// readTimeout bounds a request, which has no body to speak of.
	readTimeout = 5 * time.Second
	// writeTimeout bounds a response, checks and the gathering of metrics
	// included.
	writeTimeout = 30 * time.Second
	// maxHeader is what a scraper's or a browser's request needs.
	maxHeader = 16 << 10
	// maxConns is far above what a scraper, probes and a few browsers hold.
	maxConns = 64
	// maxScrapes is how many scrapes run at once: each walks every metric.
	maxScrapes = 4
	// stopTimeout is how long Run waits for open requests at its end.
	stopTimeout = 2 * time.Second
)

// Server is the HTTP of operators.
type Server struct {
	// Static after construction.
	listener net.Listener
	http     *http.Server
}

// New listens. The server answers once Run is called; without Run, Close
// frees the address.
func New(cfg Config) (*Server, error) {
	l, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("admin.listen: cannot listen on %s, choose another address: %w", cfg.Listen, err)
	}
	return &Server{listener: netutil.LimitListener(l, maxConns), http: &http.Server{
		Handler:           handler(cfg),
		ReadHeaderTimeout: readTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(cfg.Log.Handler(), slog.LevelWarn),
	}}, nil
}

// Addr is where the server listens.
func (s *Server) Addr() netip.AddrPort {
	return s.listener.Addr().(*net.TCPAddr).AddrPort()
}

// Run answers until ctx ends, then lets open requests finish for a moment.
// The error is nil after ctx has ended.
func (s *Server) Run(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(s.listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("admin: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := s.http.Shutdown(stop); err != nil {
		s.http.Close()
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("admin: %w", err)
	}
	return nil
}

// Close frees the address of a server that never ran.
func (s *Server) Close() error { return s.listener.Close() }

func handler(cfg Config) http.Handler {
	mux := http.NewServeMux()
	if cfg.Gatherer != nil {
		mux.Handle("GET /metrics", promhttp.HandlerFor(cfg.Gatherer, promhttp.HandlerOpts{
			ErrorLog:            slog.NewLogLogger(cfg.Log.Handler(), slog.LevelWarn),
			ErrorHandling:       promhttp.ContinueOnError,
			MaxRequestsInFlight: maxScrapes,
			Timeout:             writeTimeout - 5*time.Second,
		}))
	}
	mux.HandleFunc("GET /healthz", healthz)
	mux.HandleFunc("GET /readyz", newReadiness(cfg.Checks).serve)
	mux.HandleFunc("GET /version", version)
	if cfg.Debug {
		addDebug(mux)
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, contents(cfg)) })
	return mux
}

// contents is for who looks at the address in a browser.
func contents(cfg Config) string {
	text := "hawser, for operators:\n\n" +
		"/healthz   the process runs\n" +
		"/readyz    it can take work, or why not\n" +
		"/version   what was built, from what\n"
	if cfg.Gatherer != nil {
		text += "/metrics   for Prometheus\n"
	}
	if cfg.Debug {
		text += "/debug/pprof/   profiles\n"
	}
	return text
}
