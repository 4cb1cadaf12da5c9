package h2conn

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/push/pushtest"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// serve starts an HTTP/2 server that counts its connections.
func serve(t *testing.T, streams int, h http.HandlerFunc) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var opened atomic.Int64
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: streams}
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, &opened
}

func clientOf(t *testing.T, s *httptest.Server, change func(*Config)) *Client {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	cfg := Config{
		Addr: strings.TrimPrefix(s.URL, "https://"),
		TLS:  &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		Log:  quiet(),
	}
	if change != nil {
		change(&cfg)
	}
	cl := New(cfg)
	t.Cleanup(cl.Close)
	return cl
}

func get(ctx context.Context, cl *Client, path string) (*Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+cl.cfg.Addr+path, nil)
	if err != nil {
		return nil, err
	}
	return cl.Do(req, Main)
}

func TestOneRequestUntilOneWasTaken(t *testing.T) {
	var now, most atomic.Int64
	refuse := atomic.Bool{}
	refuse.Store(true)
	s, opened := serve(t, 20, func(w http.ResponseWriter, _ *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(5 * time.Millisecond)
		if refuse.Load() {
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	cl := clientOf(t, s, nil)
	burst := func(n int) {
		var wg sync.WaitGroup
		for range n {
			wg.Go(func() {
				if _, err := get(t.Context(), cl, "/"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	burst(10)
	if most.Load() != 1 {
		t.Errorf("%d requests at once on a connection without an accepted one", most.Load())
	}
	refuse.Store(false)
	burst(100)
	if m := most.Load(); m < 2 || m > 18 {
		t.Errorf("%d requests at once, want up to 90 %% of 20", m)
	}
	if opened.Load() != 1 {
		t.Errorf("%d connections", opened.Load())
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	release := make(chan struct{})
	s, _ := serve(t, 20, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	cl := clientOf(t, s, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if _, err := get(ctx, cl, "/"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v", err)
			}
		})
	}
	wg.Wait()
}

func TestDeadConnectionIsFoundAndReplaced(t *testing.T) {
	sim, err := pushtest.NewAPNs(pushtest.APNsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sim.Close() }()
	cl := New(Config{
		Addr: strings.TrimPrefix(sim.URL(), "https://"), Log: quiet(),
		TLS:       &tls.Config{RootCAs: sim.RootCAs(), MinVersion: tls.VersionTLS12},
		PingAfter: 300 * time.Millisecond, PingWait: time.Second,
	})
	defer cl.Close()
	if a, err := get(t.Context(), cl, "/"); err != nil || a.Status != http.StatusMethodNotAllowed {
		t.Fatalf("answer %+v, %v", a, err)
	}
	sim.Freeze(true)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	begin := time.Now()
	if _, err := get(ctx, cl, "/"); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the ping should have found it: %v after %v", err, time.Since(begin))
	}
	sim.Freeze(false)
	if _, err := get(t.Context(), cl, "/"); err != nil {
		t.Errorf("after the network came back: %v", err)
	}
	if n := sim.Connections(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

func TestServerThatGoesAwayIsLeft(t *testing.T) {
	s, opened := serve(t, 20, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") })
	cl := clientOf(t, s, nil)
	for range 3 {
		if _, err := get(t.Context(), cl, "/"); err != nil {
			t.Fatal(err)
		}
		// The server's farewell may arrive after the answer.
		waitUntil(t, func() bool { return !usable(cl) })
	}
	if n := opened.Load(); n != 3 {
		t.Errorf("%d connections, want 3", n)
	}
}

func usable(cl *Client) bool {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	return len(cl.lanes[Main].conns) > 0 && cl.lanes[Main].conns[0].cc.Available() > 0
}

func TestConnectionIsLeftWhenTheAnswerSaysSo(t *testing.T) {
	s, opened := serve(t, 20, func(http.ResponseWriter, *http.Request) {})
	cl := clientOf(t, s, func(c *Config) { c.Leaves = func(a *Answer) bool { return a.Status == http.StatusOK } })
	for range 3 {
		if _, err := get(t.Context(), cl, "/"); err != nil {
			t.Fatal(err)
		}
	}
	if n := opened.Load(); n != 3 {
		t.Errorf("%d connections, want 3", n)
	}
	if n := cl.Connections(); n != 0 {
		t.Errorf("%d connections stay open", n)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	s, _ := serve(t, 20, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, 1<<20))
	})
	cl := clientOf(t, s, func(c *Config) { c.MaxAnswer = 100 })
	a, err := get(t.Context(), cl, "/")
	if err != nil || len(a.Body) != 100 {
		t.Errorf("%v, %d bytes", err, len(a.Body))
	}
}

// A header without end, and a status that HTTP does not have, are no answers.
func TestImpossibleAnswers(t *testing.T) {
	s, _ := serve(t, 20, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/header":
			w.Header().Set("Retry-After", strings.Repeat("9", 2*maxHeader))
		case "/status":
			w.WriteHeader(777)
		}
	})
	cl := clientOf(t, s, nil)
	if a, err := get(t.Context(), cl, "/header"); err == nil {
		t.Errorf("a header of %d bytes was taken", len(a.Header.Get("Retry-After")))
	}
	if _, err := get(t.Context(), cl, "/status"); !errors.Is(err, ErrStatus) {
		t.Errorf("status 777: %v", err)
	}
	if _, err := get(t.Context(), cl, "/"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestFailedDialAnswersTheNext(t *testing.T) {
	s, _ := serve(t, 20, func(http.ResponseWriter, *http.Request) {})
	cl := clientOf(t, s, nil)
	s.Close()
	_, first := get(t.Context(), cl, "/")
	_, second := get(t.Context(), cl, "/")
	if first == nil || first != second {
		t.Errorf("errors %v and %v: the second request should not have dialled", first, second)
	}
}

func TestServerWithoutHTTP2(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	if _, err := get(t.Context(), clientOf(t, s, nil), "/"); err == nil {
		t.Error("HTTP/1.1 was accepted")
	}
}

func TestClosedClient(t *testing.T) {
	s, _ := serve(t, 20, func(http.ResponseWriter, *http.Request) {})
	cl := clientOf(t, s, nil)
	if _, err := get(t.Context(), cl, "/"); err != nil {
		t.Fatal(err)
	}
	cl.Close()
	if _, err := get(t.Context(), cl, "/"); !errors.Is(err, ErrClosed) {
		t.Errorf("error %v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"":                              0,
		"17":                            17 * time.Second,
		"-5":                            0,
		"99999999999999999999":          0,
		"soon":                          0,
		"3600":                          time.Hour,
		"31536000":                      time.Hour,
		"9223372036854775807":           time.Hour,
		"Fri, 31 Dec 9999 23:59:59 GMT": time.Hour,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute,
		"Fri, 02 Jan 2026 03:03:05 GMT": 0,
	} {
		a := &Answer{Header: http.Header{"Retry-After": {header}}}
		if got := a.RetryAfter(now); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}

func waitUntil(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited too long")
		}
	}
}

// A peer that takes requests and pings, and answers nothing, is left for another
// connection: behind the same address there may be one that does.
func TestSilentConnectionIsLeft(t *testing.T) {
	for what, proven := range map[string]bool{"new": false, "proven": true} {
		t.Run(what, func(t *testing.T) {
			var mu sync.Mutex
			var silent string // the peer's first connection
			var sick atomic.Bool
			sick.Store(!proven)
			s, _ := serve(t, 100, func(_ http.ResponseWriter, r *http.Request) {
				mu.Lock()
				if silent == "" {
					silent = r.RemoteAddr
				}
				first := silent == r.RemoteAddr
				mu.Unlock()
				if first && sick.Load() {
					<-r.Context().Done()
				}
			})
			cl := clientOf(t, s, nil)
			if proven {
				if _, err := get(t.Context(), cl, "/"); err != nil {
					t.Fatal(err)
				}
				sick.Store(true)
			}
			waitUntil(t, func() bool {
				ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
				defer cancel()
				_, err := get(ctx, cl, "/")
				return err == nil
			})
		})
	}
}

// A body is read whole whatever its length and whether that was said.
func TestBodiesOfAnyLength(t *testing.T) {
	for _, said := range []bool{true, false} {
		for _, n := range []int{0, 1, unsaid - 1, unsaid, unsaid + 1, 10 * unsaid} {
			s, _ := serve(t, 20, func(w http.ResponseWriter, _ *http.Request) {
				if !said {
					w.(http.Flusher).Flush()
				}
				_, _ = w.Write(bytes.Repeat([]byte{'x'}, n))
			})
			a, err := get(t.Context(), clientOf(t, s, nil), "/")
			if err != nil || len(a.Body) != n || bytes.Count(a.Body, []byte{'x'}) != n {
				t.Errorf("%d bytes, said %t: %v, %d bytes", n, said, err, len(a.Body))
			}
		}
	}
}
