package metric

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestKnownValuesAreThereFromTheStart(t *testing.T) {
	reg := prometheus.NewRegistry()
	p := For(reg, "test")
	calls := p.CounterVec("calls_total", "Calls.", By("door", "http", "nats"), By("result", "ok", "error"))
	p.CounterVec("answers_total", "Answers.", By("door", "http"), By("reason"))
	p.With("role", "edge").GaugeFunc("connected", "1 while connected.", func() float64 { return Bool(true) })
	calls.WithLabelValues("nats", "error").Inc()
	want := `
# HELP hawser_test_calls_total Calls.
# TYPE hawser_test_calls_total counter
hawser_test_calls_total{door="http",result="error"} 0
hawser_test_calls_total{door="http",result="ok"} 0
hawser_test_calls_total{door="nats",result="error"} 1
hawser_test_calls_total{door="nats",result="ok"} 0
# HELP hawser_test_connected 1 while connected.
# TYPE hawser_test_connected gauge
hawser_test_connected{role="edge"} 1
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

func TestWithoutARegistry(t *testing.T) {
	p := For(nil, "test").With("role", "edge")
	for range 2 { // nothing is taken
		p.Counter("calls_total", "Calls.").Inc()
		p.HistogramVec("call_seconds", "Time.", []float64{1}, By("door", "http")).WithLabelValues("http").Observe(1)
	}
}
