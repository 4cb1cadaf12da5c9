package node

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func TestLogLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		handler := slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})
		root := slog.New(newLogLimit(handler, prometheus.NewRegistry()))
		// Handlers made of one another count together.
		logs := []*slog.Logger{root, root.With("role", "edge"), root.WithGroup("g")}
		for i := range 1000 {
			logs[i%3].Warn("flood", "i", i)
		}
		root.Warn("another text")
		lines := func(text string) int { return strings.Count(out.String(), `"msg":"`+text+`"`) }
		if lines("flood") != logBurst || lines("another text") != 1 {
			t.Fatalf("%d lines of a flood and %d of another text, want %d and 1", lines("flood"), lines("another text"), logBurst)
		}
		time.Sleep(logEvery)
		root.Warn("flood")
		if want := fmt.Sprintf(`"left_out":%d`, 1000-logBurst); !strings.Contains(out.String(), want) {
			t.Errorf("the line after a flood does not say %s", want)
		}
		root.Warn("flood")
		if lines("flood") != logBurst+1 {
			t.Error("more than one line came back")
		}
		for range 100 {
			root.Debug("detail")
		}
		if lines("detail") != 100 {
			t.Errorf("%d debug lines of 100", lines("detail"))
		}
	})
}

// Texts without end share one budget, and take no memory without end.
func TestLogLimitTexts(t *testing.T) {
	var out bytes.Buffer
	limit := newLogLimit(slog.NewJSONHandler(&out, nil), prometheus.NewRegistry())
	log := slog.New(limit)
	for i := range 3 * logTexts {
		log.Error(fmt.Sprint("text ", i))
	}
	if n := len(limit.shared.texts); n > logTexts+1 {
		t.Errorf("%d texts are kept, want at most %d", n, logTexts+1)
	}
	if n := strings.Count(out.String(), "\n"); n > logTexts+logBurst {
		t.Errorf("%d lines, want at most %d", n, logTexts+logBurst)
	}
}
