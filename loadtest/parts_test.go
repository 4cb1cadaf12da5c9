package main

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/token"
)

// newKey writes a key for device tokens and returns its file.
func newKey(dir string) (string, error) {
	private, _, err := token.GenerateKey()
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "key.jwk")
	return file, token.WriteKey(file, private)
}

func TestWrongUsage(t *testing.T) {
	for _, args := range [][]string{
		{}, {"x"}, {density}, {density, "--spawn", "--addr", "a:1"}, {density, "--spawn", "--pid", "1"}, {density, "--addr", "a"},
		{density, "--addr", "a:1"}, {notify, "--addr", "a:1", "--jwt-key", "k"},
		{density, "--addr", "a:1", "--jwt-key", "k", "--publish-url", "http://b"},
		{density, "--spawn", "--conns", "0"}, {density, "--spawn", "--rate", "0"}, {density, "--spawn", "--transport", "x"},
		{density, "--spawn", "--hello", "x"}, {density, "--spawn", "--bind", "x"}, {density, "--spawn", "--users", "all"},
		{density, "--spawn", "--users", "a b%d"}, {density, "--spawn", "--fail-if", "x"}, {density, "--spawn", "x"},
		{density, "--spawn", "--duration", "1ms"}, {density, "--spawn", "--processes", "99"}, {storm, "--spawn", "--storm", "0"}, {storm, "--spawn", "--admissions", "-1"},
	} {
		var stderr bytes.Buffer
		if code := command(t.Context(), args, &stderr, &stderr); code != exitUsage || stderr.Len() == 0 {
			t.Errorf("%v: exit code %d, %q", args, code, stderr.String())
		}
	}
	var stdout bytes.Buffer
	if code := command(t.Context(), []string{"help"}, &stdout, &stdout); code != exitOK || !strings.Contains(stdout.String(), "--max-rss-per-conn") {
		t.Errorf("help: exit code %d, %s", code, stdout.String())
	}
}

func TestThresholds(t *testing.T) {
	rss := 3000.0
	r := &report{Server: server{RSSPerConn: &rss}, Latency: map[string]quantiles{"notify": {P99: 5}}}
	rules := []string{
		"server.rss_bytes_per_conn>2999", "server.rss_bytes_per_conn > 3000", "latency_ms.notify.p99>=5", "latency_ms.notify.p99<5",
		"server.goroutines>1", "schema>1",
	}
	if err := r.judge(rules); err != nil {
		t.Fatal(err)
	}
	var failed []bool
	for _, th := range r.Thresholds {
		failed = append(failed, th.Failed)
	}
	if want := []bool{true, false, true, false, true, true}; !slices.Equal(failed, want) {
		t.Errorf("%v, want %v", failed, want)
	}
}

func TestAddresses(t *testing.T) {
	for cidr, want := range map[string]string{"": "", "127.0.1.0/30": "127.0.1.1 127.0.1.2", "127.0.1.9/32": "127.0.1.9", "::1/128": "::1"} {
		got, err := addresses(cidr)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: %v, %v", cidr, got, err)
		}
	}
	if all, _ := addresses("10.0.0.0/8"); len(all) != maxAddresses-1 {
		t.Error(len(all))
	}
}

func TestLedger(t *testing.T) {
	start := time.Unix(1000, 0)
	after := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	took := newHistogram()
	var l ledger
	l.fill(1, 4)
	l.connected(start)

	// One that overtakes its answer, and one that comes after it.
	l.begin()
	if n, back := l.hear(1, 7, after(30)); n != 0 || back {
		t.Error(n, back)
	}
	if !l.answered(publication{7, after(10), took}) || l.arrivals != nil {
		t.Error("an arrival before the answer does not count")
	}
	l.begin()
	if l.answered(publication{9, after(40), took}) {
		t.Error("heard before it arrived")
	}
	l.begin()
	l.answered(publication{10, after(41), took})
	// A newer version stands for both; another kind for none.
	if n, _ := l.hear(0, 99, after(50)); n != 0 {
		t.Error("another kind counts")
	}
	if n, back := l.hear(1, 10, after(60)); n != 2 || back || l.waiting != nil {
		t.Error(n, back)
	}
	if _, back := l.hear(1, 9, after(70)); !back {
		t.Error("backwards is not noticed")
	}
	if q := took.quantiles(); q.Count != 3 || q.Max < 19.9 || q.Max > 20.1 {
		t.Errorf("%+v", q)
	}

	// What was published while the device was away is heard, and no latency.
	l.disconnected()
	l.begin()
	l.answered(publication{12, after(80), took})
	l.connected(after(90))
	if n, back := l.hear(1, 12, after(95)); n != 1 || back {
		t.Error(n, back)
	}
	if q := took.quantiles(); q.Count != 3 {
		t.Errorf("%+v", q)
	}
	if v := l.versions(); len(v) != 2 || v[1].Version != 12 {
		t.Errorf("%v", v)
	}
}

func TestHistogramsMerge(t *testing.T) {
	a, b, all := newHistograms(), newHistograms(), newHistograms()
	for range 99 {
		a.of("x").record(time.Millisecond)
	}
	b.of("x").record(time.Second)
	b.of("y").record(24 * time.Hour)
	for _, s := range []*histograms{a, b} {
		if err := all.merge(s.export()); err != nil {
			t.Fatal(err)
		}
	}
	// An average of the two would put the half at half a second.
	if q := all.of("x").quantiles(); q.Count != 100 || q.P50 > 1.01 || q.Max < 999 {
		t.Errorf("%+v", q)
	}
	if q := all.of("y").quantiles(); q.Max < 0.99*float64(maxLatency.Milliseconds()) {
		t.Errorf("%+v", q)
	}
}

func TestWorkersShareUsers(t *testing.T) {
	for _, live := range []int{0, 1, 2} {
		seen := map[*device]int{}
		for i := range 3 {
			w := &worker{plan: Plan{Number: i, Workers: 3, Conns: 10, Live: 5, LiveWorkers: live}}
			users := w.own(0, 10)
			w.all = make([]device, len(users))
			for _, n := range users {
				seen[w.device(n)]++ // a panic if it is not there
				if live > 0 && (n < 5) != (i < live) {
					t.Errorf("worker %d has user %d where %d have the live ones", i, n, live)
				}
			}
		}
		if len(seen) != 10 {
			t.Errorf("10 users have %d places", len(seen))
		}
	}
}

func TestKernel(t *testing.T) {
	base := kernelMemory{slabs: parseSlabs([]byte("TCP 10 20 2368 13 8 : tunables\nsock_inode_cache 5 6 832\nfilp 900 1 192\ndentry 9 9 192\n")), buffers: 100}
	now := kernelMemory{slabs: parseSlabs([]byte("TCP 12 20 2368\nsock_inode_cache 7 6 832\nTCPx 9 9 9 9\nfilp 1 1 192\ndentry 9 9 192\nTCP x\nUDP")), buffers: 300}
	if n := now.since(base); n != 200+2*(2368+832+192+192) {
		t.Error(n)
	}
	if n := parseSockstat([]byte("sockets: used 9\nTCP: inuse 1 orphan 0 tw 0 alloc 2 mem 12\nUDP: inuse 0 mem 3\nFRAG: mem 9\nTCP: mem -1\n")); n != 15 {
		t.Error(n)
	}
}

func FuzzKernel(f *testing.F) {
	f.Add([]byte("TCP: inuse 1 mem 12\nfilp 1 2 3 4\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if parseSockstat(b) < 0 {
			t.Error("less than no buffers")
		}
		for name, s := range parseSlabs(b) {
			if s.active < 0 || s.size < 0 {
				t.Error(name, s)
			}
		}
	})
}

func FuzzRule(f *testing.F) {
	f.Add("server.goroutines>200")
	f.Fuzz(func(t *testing.T, rule string) {
		if path, op, bound, err := parseRule(rule); err == nil {
			at(map[string]any{"server": map[string]any{"goroutines": 1.0}}, path)
			if holds(bound, "<", bound) || op == "" {
				t.Error(rule)
			}
		}
	})
}

func TestRounding(t *testing.T) {
	for v, want := range map[float64]float64{0: 1, 0.3: 0.4, 1: 1, 1.1: 2, 7: 8, 9: 10, 15000: 20000} {
		if got := roundUp(v); got != want {
			t.Errorf("%g: %g, want %g", v, got, want)
		}
	}
	for v, want := range map[float64]string{0: "0", 12.5: "12.5", 15000: "15k", 2e6: "2M", 100: "100"} {
		if got := short(v); got != want {
			t.Errorf("%g: %s, want %s", v, got, want)
		}
	}
}
