package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// start runs a server until the test ends and returns its URL.
func start(t *testing.T, cfg Config) string {
	t.Helper()
	cfg.Listen, cfg.Log = "127.0.0.1:0", slog.New(slog.DiscardHandler)
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return "http://" + s.Addr().String()
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestPages(t *testing.T) {
	registry := prometheus.NewRegistry()
	events := prometheus.NewCounter(prometheus.CounterOpts{Name: "hawser_test_events_total", Help: "Events."})
	registry.MustRegister(events)
	events.Add(7)
	url := start(t, Config{Gatherer: registry})
	for _, tc := range []struct {
		path string
		code int
		want string
	}{
		{"/metrics", 200, "hawser_test_events_total 7"},
		{"/healthz", 200, `{"schema":"hawser.healthz/1","alive":true}`},
		{"/readyz", 200, `{"schema":"hawser.readyz/1","ready":true,"checks":[]}`},
		{"/version", 200, `{"schema":"hawser.version/1","version":`},
		{"/", 200, "/readyz    it can take work, or why not\n/version   what was built, from what\n/metrics   for Prometheus\n"},
		{"/connz", 404, ""},
		{"/debug/pprof/", 404, ""},
	} {
		code, body := get(t, url+tc.path)
		if code != tc.code || !strings.Contains(body, tc.want) {
			t.Errorf("%s: %d %q, want %d and %q in it", tc.path, code, body, tc.code, tc.want)
		}
	}
}

func TestReadOnly(t *testing.T) {
	url := start(t, Config{Gatherer: prometheus.NewRegistry()})
	for _, path := range []string{"/metrics", "/healthz", "/readyz", "/version"} {
		res, err := http.Post(url+path, "text/plain", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %s, want 405", path, res.Status)
		}
	}
}

func TestNotReadyNamesEveryReason(t *testing.T) {
	url := start(t, Config{Checks: []Check{
		{Name: "router", Ready: func(context.Context) error { return errors.New("2 of 3 edges are known") }},
		{Name: "nats", Ready: func(context.Context) error { return nil }, Note: func() string { return "look at this" }},
		{Name: "slow", Ready: func(ctx context.Context) error { <-ctx.Done(); return errors.New("no answer in time") }},
	}})
	code, body := get(t, url+"/readyz")
	if code != http.StatusServiceUnavailable {
		t.Errorf("code = %d, want 503", code)
	}
	var got readyResult
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	want := []checkResult{
		{Name: "router", Reason: "2 of 3 edges are known"}, {Name: "nats", Ready: true, Note: "look at this"}, {Name: "slow", Reason: "no answer in time"},
	}
	if got.Ready || len(got.Checks) != 3 || got.Checks[0] != want[0] || got.Checks[1] != want[1] || got.Checks[2] != want[2] {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if code, _ := get(t, url+"/healthz"); code != http.StatusOK {
		t.Errorf("/healthz = %d while not ready, want 200", code)
	}
}

// TestPollersShareARound: many who ask at once must not multiply the checks.
func TestPollersShareARound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rounds atomic.Int64
		r := newReadiness([]Check{{Name: "x", Ready: func(context.Context) error {
			rounds.Add(1)
			time.Sleep(50 * time.Millisecond)
			return nil
		}}})
		ask := func() {
			req, _ := http.NewRequestWithContext(t.Context(), "GET", "/readyz", nil)
			r.serve(discard{}, req)
		}
		var all sync.WaitGroup
		for range 20 {
			all.Go(ask)
		}
		all.Wait()
		if n := rounds.Load(); n != 1 {
			t.Errorf("%d rounds for 20 who asked at once, want 1", n)
		}
		time.Sleep(2 * maxAge)
		ask()
		if n := rounds.Load(); n != 2 {
			t.Errorf("%d rounds after the answer grew old, want 2", n)
		}
	})
}

// discard is a ResponseWriter for answers nobody reads.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

func TestAddressInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = New(Config{Listen: l.Addr().String(), Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "admin.listen") {
		t.Errorf("error = %v, want one that names admin.listen", err)
	}
}

func TestVersionString(t *testing.T) {
	v := Version{Version: "v1.2.3", Commit: "0123456789abcdef", Modified: true, Go: "go1.26.0", Platform: "linux/amd64"}
	if got, want := v.String(), "v1.2.3 commit 0123456789ab with changes go1.26.0 linux/amd64"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if v := ReadVersion(); v.Go == "" || v.Version == "" {
		t.Errorf("ReadVersion = %+v", v)
	}
}
