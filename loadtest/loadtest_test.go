package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The children of the program are the test's own executable.
func TestMain(m *testing.M) {
	if part, ok := internalPart(os.Args[1:]); ok {
		os.Exit(part(os.Args[2:]))
	}
	os.Exit(inFolder(m.Run))
}

// inFolder runs the tests with a folder for temporary files of their own: a run
// that fails, as some are to, leaves its logs there.
func inFolder(run func() int) int {
	dir, err := os.MkdirTemp("", "loadtest-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Setenv("TMPDIR", dir); err != nil {
		panic(err)
	}
	return run()
}

// play runs a command and returns its code, its report and what it said.
func play(t *testing.T, args ...string) (code int, r report, said string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	code = command(ctx, append(args, "--json", "-"), &stdout, &stderr)
	if stdout.Len() > 0 {
		if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
			t.Fatalf("%v: %s", err, stdout.String())
		}
		if !strings.HasPrefix(stdout.String(), "{\n  \"schema\": \"hawser.loadtest/1\",\n  \"ok\":") {
			t.Errorf("the JSON begins with %.80s", stdout.String())
		}
	}
	return code, r, stderr.String()
}

// sound fails the test unless everything was held and heard.
func sound(t *testing.T, code int, r report, said string, wanted, published int) {
	t.Helper()
	if code != exitOK || !r.OK || r.Conns.Held != wanted || r.Conns.Wanted != wanted {
		t.Fatalf("exit code %d, %+v, %q: %s", code, r.Conns, r.Reasons, said)
	}
	v := r.Versions
	if v.Published < published || v.Heard != v.Published || v.Lost != 0 || v.Backwards != 0 {
		t.Errorf("versions %+v", v)
	}
	if r.Latency[groupConnect].Count+r.Latency[groupStorm].Count < int64(wanted) || r.Latency[groupNotify].Count == 0 || r.Latency[groupNotify].P50 <= 0 {
		t.Errorf("latencies %+v", r.Latency)
	}
	if r.TLS.Suite == "" || r.TLS.Curve == "" {
		t.Error("it is not said what was negotiated")
	}
}

func TestDensity(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	page := filepath.Join(dir, "report.html")
	code, r, said := play(t, density, "--spawn", "--conns", "200", "--duration", "4s", "--beat", "1s", "--workers", "2",
		"--html", page, "--hgrm", dir, "--fail-if", "conns.held<200")
	sound(t, code, r, said, 200, 200)
	s := r.Server
	if s.RSSPerConn == nil || s.RSSPerConnSteady == nil || *s.RSSPerConn <= 0 || s.Goroutines == nil || *s.Goroutines == 0 || s.CPUSeconds == nil {
		t.Errorf("server %+v", s)
	}
	if r.Latency[groupBeat].Count == 0 {
		t.Error("nobody beat")
	}
	if r.TLS != (tlsReport{"X25519", "TLS_CHACHA20_POLY1305_SHA256"}) {
		t.Errorf("the SDK's hello led to %+v", r.TLS)
	}
	for _, name := range []string{page, filepath.Join(dir, "notify.hgrm")} {
		if b, err := os.ReadFile(name); err != nil || len(b) < 500 {
			t.Errorf("%s: %v, %d bytes", name, err, len(b))
		}
	}
	if text, err := os.ReadFile(page); err != nil || strings.Count(string(text), "<svg") != 4 {
		t.Errorf("the page lacks charts: %v", err)
	}
}

// A deployment that somebody else runs, over QUIC.
func TestDeploymentThatIsThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o, err := parse([]string{density, "--spawn"}, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := startFleet(t.Context(), dir, o)
	defer func() {
		if err := f.stop(); err != nil {
			t.Error(err)
		}
	}()
	if err != nil {
		t.Fatal(err)
	}
	there := []string{"--addr", f.edges[0].Listen, "--ca-file", f.env.Path("ca.pem"), "--jwt-key", f.env.Path("demo.jwk"),
		"--publish-url", "http://" + f.router.API, "--api-key-file", f.env.Path("demo.api-key")}
	code, r, said := play(t, append([]string{notify, "--quic", "--hello", "stock", "--conns", "50", "--duration", "2s", "--rate", "100"}, there...)...)
	sound(t, code, r, said, 50, 50)
	if r.Server.RSSPerConn != nil || r.Server.Goroutines != nil {
		t.Errorf("memory of a process that is not known: %+v", r.Server)
	}

	code, r, said = play(t, append([]string{churn, "--conns", "50", "--duration", "3s", "--rate", "30", "--max-rss-per-conn", "1"}, there...)...)
	if code != exitThreshold || !strings.Contains(said, "not there") {
		t.Errorf("exit code %d where a threshold cannot be judged: %s", code, said)
	}
	sound(t, exitOK, r, said, 50, 30)
	if r.Latency[groupReturn].Count == 0 {
		t.Error("nobody came back")
	}
}

func TestStorm(t *testing.T) {
	t.Parallel()
	code, r, said := play(t, storm, "--spawn", "--conns", "50", "--storm", "150", "--duration", "3s", "--rate", "30", "--processes", "2",
		"--admissions", "20", "--fail-if", "storm.told<10")
	sound(t, code, r, said, 200, 60)
	if r.Latency[groupStorm].Count != 150 || r.Latency[groupControl].Count == 0 {
		t.Errorf("latencies %+v", r.Latency)
	}
	if s := r.Storm; s == nil || s.Spread <= 0 || s.SpreadOverCapacity == nil || s.NotifyP99Ratio == nil || s.LiveRSS == 0 {
		t.Errorf("the storm was judged as %+v", r.Storm)
	}
	if r.Server.Processes != 2 || r.Server.PeakRSS == nil {
		t.Errorf("server %+v", r.Server)
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	key, err := newKey(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	code, _, said := play(t, density, "--addr", "127.0.0.1:1", "--conns", "2", "--duration", "1s", "--jwt-key", key)
	if code != exitUnreachable || !strings.Contains(said, "refused") {
		t.Errorf("exit code %d: %s", code, said)
	}
}

// The broker is only there where somebody installed it.
func TestPeers(t *testing.T) {
	t.Parallel()
	if _, err := brokerProgram(); err != nil {
		t.Skip(err)
	}
	code, r, said := play(t, peers, "--spawn", "--conns", "50", "--duration", "4s", "--beat", "1s")
	sound(t, code, r, said, 50, 50)
	if len(r.Peers) != 1 || r.Peers[0].Held != 50 || r.Peers[0].TLS != r.TLS || r.Peers[0].RSSRatio == nil || r.Peers[0].Beat.Count == 0 {
		t.Fatalf("peers %+v", r.Peers)
	}
	// The system counts CPU time in ticks: so few beats may take less than one.
	cpu := r.Peers[0].CPUPerBeat
	if cpu == nil || r.Server.CPUPerBeat == nil || *cpu > 0 && r.Peers[0].CPURatio == nil {
		t.Errorf("CPU a beat: %+v, the edge's %v", r.Peers[0], r.Server.CPUPerBeat)
	}
}

func TestWrongUsageOfPeers(t *testing.T) {
	for _, args := range [][]string{
		{peers}, {peers, "--spawn", "--quic"}, {peers, "--spawn", "--beat", "0"}, {peers, "--spawn", "--target", "a:1"},
		{peers, "--spawn", "--processes", "2"}, {density, "--spawn", "--target", "a:1", "--pid", "1"},
	} {
		var stderr bytes.Buffer
		if code := command(t.Context(), args, &stderr, &stderr); code != exitUsage || stderr.Len() == 0 {
			t.Errorf("%v: exit code %d, %q", args, code, stderr.String())
		}
	}
}
