package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/hawser-edge/hawser/gateway/node/devmode/netspace"
)

// TestMain is the program itself where a test has run it inside namespaces.
func TestMain(m *testing.M) {
	if netspace.Inside() {
		main() // does not return
	}
	os.Exit(m.Run())
}

// lab runs the program as somebody who types it, and returns what it prints.
func lab(t *testing.T, args ...string) string {
	t.Helper()
	if os.Getenv("HAWSER_FAULTS") != "1" {
		t.Skip("waits for NATs to forget: set HAWSER_FAULTS=1 to have it, or go run ./heartbeat/netlab")
	}
	if err := netspace.Possible("nft"); err != nil {
		t.Skip(err)
	}
	t.Parallel()
	var stdout bytes.Buffer
	code := command(t.Context(), args, &stdout, lines{t})
	t.Log("\n" + stdout.String())
	switch code {
	case exitOK:
	case exitStill:
		t.Skip("the machine stopped the lab for so long that it says nothing of heartbeats")
	default:
		t.Errorf("exit code %d", code)
	}
	return stdout.String()
}

// lines gives what is written to the test's log.
type lines struct{ t *testing.T }

func (l lines) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}

// TestFacts sees again what the design of the heartbeats assumes of NATs.
func TestFacts(t *testing.T) { lab(t, "facts") }

// TestLearns has phones behind NATs of every sort: the intervals have to fit,
// and nothing may be lost after that.
func TestLearns(t *testing.T) {
	if os.Getenv("HAWSER_NETLAB") != "1" {
		t.Skip("takes ten minutes of a machine that stops no process for long: set HAWSER_NETLAB=1 and HAWSER_FAULTS=1 to have it")
	}
	lab(t, "learn", "--time-scale", "20", "--timeouts", "6s,10s,15s,20s,30s", "--learn", "8m", "--hold", "3m")
}

// masked is what TestMasked and TestProbesAreNeeded have in common. A machine
// that is busy with other tests stops processes for a while, which looks like a
// network that has forgotten: at this scale, it may for 0.65 s. The bound is for
// such a machine, too; a notify that is lost without probes waits for the next
// beat, for up to 18 s.
func masked(learn, hold string, more ...string) []string {
	return append([]string{"learn", "--time-scale", "10", "--timeouts", "6s", "--bound", "5s",
		"--settle", "15s", "--learn", learn, "--hold", hold}, more...)
}

// TestMasked is the part of TestLearns that nothing but the edge's probes can
// pass: NATs that hide what they forget.
func TestMasked(t *testing.T) {
	lab(t, masked("4m", "25s", "--only", "(QUIC|TCP, loose=1), port kept, WAN drop")...)
}

// TestProbesAreNeeded sees the check of TestMasked fail where it has to:
// without the edge's probes.
func TestProbesAreNeeded(t *testing.T) {
	lab(t, masked("1s", "25s", "--only", "TCP, loose=1, port kept, WAN drop", "--probes=false")...)
}
