//go:build unix

package providertest

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// fakeRole is the push service, in a process whose CPU time is not counted.
const fakeRole = "fake push service"

// fakeAt is where the fake answers.
type fakeAt struct {
	URL string
	CA  []byte // PEM
}

// serveFake takes every push, and hands out access tokens.
func serveFake(in *json.Decoder, out io.Writer) error {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.URL.Path == "/token":
			_, _ = io.WriteString(w, `{"access_token":"a","token_type":"Bearer","expires_in":3600}`)
		case r.Header.Get("apns-topic") == "":
			_, _ = io.WriteString(w, `{"name":"projects/p/messages/1"}`)
		}
	}))
	s.EnableHTTP2 = true
	s.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 1000}
	s.StartTLS()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := json.NewEncoder(out).Encode(fakeAt{s.URL, ca}); err != nil {
		return err
	}
	UntilEnd(in, s.Close)
	return nil
}

// Fake starts a push service that takes everything, in a process of its own.
func Fake(t *testing.T) (url string, roots *x509.CertPool) {
	t.Helper()
	var at fakeAt
	Start(t, fakeRole).Hear(&at)
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(at.CA)
	return at.URL, roots
}

// TLS is a client's configuration for roots.
func TLS(roots *x509.CertPool) *tls.Config {
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

// Cost of a send.
type Cost struct {
	CPU  time.Duration // of this process, a send
	Rate float64       // sends a second
}

const (
	costRounds   = 7
	costSends    = 20_000
	costInFlight = 100
)

// Compare sends with two senders in turns, the same number and as many at once,
// now the one first and now the other. It logs what each costs and returns how
// many times as much CPU ours took.
func Compare(t *testing.T, bare, ours func(i int) error) float64 {
	t.Helper()
	senders := [2]func(int) error{bare, ours}
	var costs [2][]Cost
	for round := range costRounds + 1 {
		for turn := range senders {
			i := (round + turn) % len(senders)
			runtime.GC() // what the other one left is not this one's to collect
			c := cost(t, senders[i])
			if round > 0 { // the first one connects and warms up
				costs[i] = append(costs[i], c)
			}
		}
	}
	middle := func(all []Cost) Cost {
		slices.SortFunc(all, func(a, b Cost) int { return int(a.CPU - b.CPU) })
		return all[len(all)/2]
	}
	b, o := middle(costs[0]), middle(costs[1])
	ratio := float64(o.CPU) / float64(b.CPU)
	t.Logf("CPU a send, median of %d rounds of %d sends, %d in flight: bare library %v (%.0f/s), hawser %v (%.0f/s): %.2fx",
		costRounds, costSends, costInFlight, b.CPU, b.Rate, o.CPU, o.Rate, ratio)
	return ratio
}

func cost(t *testing.T, send func(int) error) Cost {
	t.Helper()
	var next, failed atomic.Int64
	var wg sync.WaitGroup
	begin, cpu := time.Now(), cpuTime(t)
	for range costInFlight {
		wg.Go(func() {
			for i := next.Add(1); i <= costSends; i = next.Add(1) {
				if err := send(int(i)); err != nil && failed.Add(1) == 1 {
					t.Errorf("send: %v", err)
				}
			}
		})
	}
	wg.Wait()
	return Cost{CPU: (cpuTime(t) - cpu) / costSends, Rate: costSends / time.Since(begin).Seconds()}
}

func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(fmt.Errorf("CPU time of this process: %w", err))
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
