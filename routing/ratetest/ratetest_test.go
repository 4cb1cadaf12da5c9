package main

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing"
)

// TestMain is what hears, where the test runs itself.
func TestMain(m *testing.M) {
	if os.Getenv(hearEnv) != "" {
		os.Exit(hear(os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// TestShortRun runs everything once with real processes, and holds nothing
// against the clock: that it counts up, and that both ways are measured alike.
func TestShortRun(t *testing.T) {
	if testing.Short() {
		t.Skip("builds hawser and a NATS server and runs them")
	}
	o := options{replicas: 1, users: minUsers, size: 100, rate: 1000, rounds: 2, round: 300 * time.Millisecond, most: 300 * time.Millisecond}
	rep, err := execute(t.Context(), o, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	if rep.Missing != 0 || len(rep.Rounds) != 2 || len(rep.Most) != 2 {
		t.Fatalf("report %+v", rep)
	}
	for _, r := range rep.Rounds {
		for way, l := range map[string]roundLine{wayRaw: r.Raw, wayHawser: r.Hawser, wayBeside: r.SameRaw, wayHawser + " beside": r.SameHawser} {
			// A device is told of the newest version only.
			raw := way == wayRaw || way == wayBeside
			if l.Events < 1 || l.Notifies > l.Events || l.Notifies < 1 || raw && l.Notifies != l.Events || l.P50 <= 0 || l.P99 < l.P50 || l.Max < l.P99 {
				t.Errorf("%s: %+v", way, l)
			}
		}
	}
	if rep.P50Ratio <= 0 || rep.P99Ratio <= 0 || rep.SameP50Ratio <= 0 || rep.SameP99Ratio <= 0 {
		t.Errorf("ratios %+v", rep)
	}
	if _, err := os.Stat("/proc/self/stat"); err == nil && rep.Most[1].CPU == (cpuUse{}) {
		t.Error("no CPU time was read")
	}
	for _, asJSON := range []bool{false, true} {
		var out bytes.Buffer
		if err := rep.write(&out, asJSON); err != nil {
			t.Fatal(err)
		}
		if asJSON {
			var back report
			if err := json.Unmarshal(out.Bytes(), &back); err != nil || back.Schema != "hawser.rates/1" || !strings.HasPrefix(out.String(), "{\n  \"schema\"") {
				t.Errorf("%v: %s", err, out.String())
			}
		} else if strings.Count(out.String(), "ratio p50") != 2 {
			t.Errorf("table %s", out.String())
		}
	}
}

// The twin must be given what the log is given.
func TestMessagesAreAlike(t *testing.T) {
	e := event(wayHawser, 7, 3, 100)
	a, b := e.Message(), rawMessage(e)
	if len(a.Subject) != len(b.Subject) || a.Subject == b.Subject || !bytes.Equal(a.Data, b.Data) || len(a.Header) != len(b.Header) {
		t.Errorf("%+v and %+v", a, b)
	}
	if _, err := routing.ParseEvent(a.Subject, a.Header, a.Data, 1, time.Now()); err != nil {
		t.Error(err)
	}
}

func TestEventsThatNewerOnesStandFor(t *testing.T) {
	e := newEar(1)
	<-e.free
	e.begin(0)
	e.hear(0, 5, time.Unix(1, 0))
	e.hear(0, 9, time.Unix(2, 0))
	if len(e.free) != 1 {
		t.Error("the user is not free once, but", len(e.free))
	}
	for version, want := range map[int64]int64{4: 1, 5: 1, 6: 2, 9: 2, 10: 0} {
		at, ok := e.arrived(t.Context(), 0, version, time.Now())
		if ok != (want > 0) || ok && at.Unix() != want {
			t.Errorf("version %d arrived at %v, %v", version, at, ok)
		}
	}
}

func TestQuantiles(t *testing.T) {
	var r result
	if r.quantile(0.5) != 0 {
		t.Error("a median of nothing")
	}
	for i := range 100 {
		r.delays = append(r.delays, time.Duration(i+1))
	}
	if got := []time.Duration{r.quantile(0.5), r.quantile(0.99), r.quantile(1)}; !slices.Equal(got, []time.Duration{51, 100, 100}) {
		t.Errorf("quantiles %v", got)
	}
	if m := median([]float64{3, 1, 2}); m != 2 {
		t.Errorf("median %v", m)
	}
}

func TestWrongUsage(t *testing.T) {
	for _, args := range [][]string{{"--replicas", "2"}, {"--users", "0"}, {"--size", "3"}, {"--rounds", "0"}, {"--round", "1ms"}, {"--rate", "-1"}, {"x"}, {"--nonsense"}} {
		var stderr bytes.Buffer
		if code := command(t.Context(), args, os.Stdout, &stderr); code != 2 || stderr.Len() == 0 {
			t.Errorf("%v: exit code %d, %q", args, code, stderr.String())
		}
	}
}

func TestDoorAnswers(t *testing.T) {
	for body, want := range map[string]int64{
		`{"version":"7","duplicate":false}`: 7, `{"code":"unavailable","message":"busy"}`: 0, `{"version":"x"}`: 0, "": 0,
	} {
		if got, err := parseAnswer(&nats.Msg{Data: []byte(body)}); got != want || (err == nil) != (want > 0) {
			t.Errorf("%s: version %d, %v", body, got, err)
		}
	}
}

// Who measures does not wait for what nobody hears any more.
func TestHearerThatDies(t *testing.T) {
	deaf := make(chan struct{})
	_, err := startHearer(t.Context(), hearing{Way: wayHawser, Dir: t.TempDir()}, nil, func() { close(deaf) })
	if err == nil {
		t.Error("devices without a fleet are ready")
	}
	<-deaf
}
