package node

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/metric"
)

const (
	// logBurst is how many lines of one text may come at once, logEvery after
	// what time one more may. Trouble of a backend or of NATS fails every
	// event and every request: each of them tells the same.
	logBurst = 20
	logEvery = 3 * time.Second
	// logTexts bounds the texts that are counted apart; the program has fewer.
	logTexts = 512
)

// A logLimit is a log handler that leaves lines out where one text repeats
// too often, and says in the next line of that text how many. Debug lines all
// pass: whoever asks for them wants them.
type logLimit struct {
	slog.Handler
	shared *logCounts
}

// logCounts are shared by the handlers that With makes of one another.
type logCounts struct {
	lines, leftOut *prometheus.CounterVec

	mu    sync.Mutex
	texts map[logText]*logBudget // Guarded by mu.
}

type logText struct {
	level   slog.Level
	message string
}

// A logBudget is what one text may still say. Guarded by logCounts.mu.
type logBudget struct {
	lines   float64
	at      time.Time
	leftOut int
}

// newLogLimit registers what is counted, by level.
func newLogLimit(h slog.Handler, reg prometheus.Registerer) *logLimit {
	p := metric.For(reg, "log")
	level := metric.By("level", metric.Names([]slog.Level{slog.LevelInfo, slog.LevelWarn, slog.LevelError})...)
	c := &logCounts{
		lines:   p.CounterVec("lines_total", "Lines logged, by level.", level),
		leftOut: p.CounterVec("left_out_lines_total", "Lines left out of the log because too many were alike, by level.", level),
		texts:   map[logText]*logBudget{},
	}
	return &logLimit{Handler: h, shared: c}
}

func (l *logLimit) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelInfo {
		pass, leftOut := l.shared.take(r)
		if !pass {
			l.shared.leftOut.WithLabelValues(r.Level.String()).Inc()
			return nil
		}
		if leftOut > 0 {
			r = r.Clone()
			r.AddAttrs(slog.Int("left_out", leftOut))
		}
	}
	l.shared.lines.WithLabelValues(r.Level.String()).Inc()
	return l.Handler.Handle(ctx, r)
}

// take spends a line of the text's budget, if there is one, and returns how
// many were left out before it.
func (c *logCounts) take(r slog.Record) (pass bool, leftOut int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.budgetLocked(logText{r.Level, r.Message}, r.Time)
	if passed := r.Time.Sub(b.at); passed > 0 {
		b.lines = min(logBurst, b.lines+passed.Seconds()/logEvery.Seconds())
		b.at = r.Time
	}
	if b.lines < 1 {
		b.leftOut++
		return false, 0
	}
	b.lines--
	leftOut, b.leftOut = b.leftOut, 0
	return true, leftOut
}

func (c *logCounts) budgetLocked(text logText, now time.Time) *logBudget {
	if b := c.texts[text]; b != nil {
		return b
	}
	if len(c.texts) >= logTexts {
		text = logText{} // shared by all that are too many
	}
	if c.texts[text] == nil {
		c.texts[text] = &logBudget{lines: logBurst, at: now}
	}
	return c.texts[text]
}

func (l *logLimit) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logLimit{Handler: l.Handler.WithAttrs(attrs), shared: l.shared}
}

func (l *logLimit) WithGroup(name string) slog.Handler {
	return &logLimit{Handler: l.Handler.WithGroup(name), shared: l.shared}
}
