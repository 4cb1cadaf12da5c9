package main

import (
	"bytes"
	"math"
	"runtime"
	"testing"
)

// onLinux skips a test elsewhere.
func onLinux(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("connections are parked, and CPU is read, on Linux alone")
	}
}

// What is measured has its place elsewhere; here both sides do all their work.
func TestBeside(t *testing.T) {
	t.Parallel()
	onLinux(t)
	code, r, said := play(t, churn, "--spawn", "--bare", "--conns", "20", "--duration", "2s", "--rate", "40")
	if code != exitOK || !r.OK || r.Conns.Held != r.Conns.Wanted || r.Conns.Held == 0 {
		t.Fatalf("exit code %d, %+v, %q: %s", code, r.Conns, r.Reasons, said)
	}
	if len(r.Beside) != 2 || r.Beside[0].Side != sideLoop || r.Beside[0].Count != r.Conns.Held/3 || r.Beside[1].What != "reconnect" {
		t.Errorf("beside %+v", r.Beside)
	}
	if a, b := r.Latency[groupVisit].Count, r.Latency[groupLoopVisit].Count; a == 0 || a != 2*b {
		t.Errorf("%d visits of the edge, %d of the loop", a, b)
	}
}

func TestFanOutBeside(t *testing.T) {
	t.Parallel()
	onLinux(t)
	code, r, said := play(t, notify, "--spawn", "--bare", "--conns", "50", "--duration", "1s", "--rate", "200")
	sound(t, code, r, said, 50, 50)
	if len(r.Beside) != 3 || r.Beside[0].Side != sidePlain || r.Beside[1].Side != sideSealed || r.Beside[2].Of != sideSealed || r.Beside[2].Side != sidePlain || r.Beside[0].Count != r.Versions.Heard {
		t.Errorf("beside %+v", r.Beside)
	}
}

// The edge's CPU by the other's: of all rounds together, and of the one in the
// middle.
func TestCompare(t *testing.T) {
	turns := newTurns()
	turns.cpu[sideEdge], turns.cpu[sideLoop] = []float64{3, 2, 7}, []float64{2, 2, 1}
	c := turns.compare("connect", sideEdge, sideLoop)
	if c.Rounds != 3 || c.Ratio < 2.39 || c.Ratio > 2.41 || c.MedianRatio != 1.5 {
		t.Errorf("%+v", c)
	}
}

// Of two rounds neither is the middle.
func TestMedian(t *testing.T) {
	for _, c := range []struct {
		all  []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{1.36, 1.1}, 1.23}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := median(c.all); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%v: %v, want %v", c.all, got, c.want)
		}
	}
}

func TestWrongUsageOfBare(t *testing.T) {
	for _, args := range [][]string{
		{churn, "--addr", "a:1", "--bare"}, {density, "--spawn", "--bare"}, {churn, "--spawn", "--quic", "--bare"},
		{notify, "--spawn", "--processes", "2", "--bare"},
	} {
		var stderr bytes.Buffer
		if code := command(t.Context(), args, &stderr, &stderr); code != exitUsage || stderr.Len() == 0 {
			t.Errorf("%v: exit code %d, %q", args, code, stderr.String())
		}
	}
}
