package node

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
)

const metricDoc = "../METRICS.md"

var writeMetrics = flag.Bool("write-metrics", false, "write "+metricDoc+" anew")

// metricDocHead is what stands above the table.
const metricDocHead = `# Metrics

Every metric of hawser, as a process with all roles registers them. What to look at, and what to do then, is in [the README](README.md#health-and-metrics). A test compares this list with the program: ` +
	"`go test ./gateway/node -run TestMetricsAreDocumented -write-metrics`" + ` writes it anew.

`

// What a process with all roles registers is what the list says, no more and
// no less.
func TestMetricsAreDocumented(t *testing.T) {
	want := metricDocHead + metricTables(t, registered(t))
	if *writeMetrics {
		if err := os.WriteFile(metricDoc, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(metricDoc)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want {
		t.Errorf("%s is stale: go test ./gateway/node -run TestMetricsAreDocumented -write-metrics", metricDoc)
	}
}

// registered is the registry of a process with all roles that has become
// ready: some metrics come with the connection to NATS.
func registered(t *testing.T) *prometheus.Registry {
	t.Helper()
	spec := devmode.Node{Name: "all-1", Roles: []string{"edge", "router", "push"}, Listen: "127.0.0.1:0", API: "127.0.0.1:0", Admin: "127.0.0.1:0"}
	registry := prometheus.NewRegistry()
	n, err := newOn(registry, configOf(t, spec, ""), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	running(t, n)
	for end := time.Now().Add(time.Minute); !ready(n); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the process does not become ready")
		}
	}
	return registry
}

func ready(n *Node) bool {
	for _, r := range n.roles {
		for _, c := range r.checks() {
			if c.Ready(context.Background()) != nil {
				return false
			}
		}
	}
	return true
}

// described is a metric of hawser.
type described struct{ name, help, labels string }

var descriptor = regexp.MustCompile(`^Desc\{fqName: ("(?:[^"\\]|\\.)*"), help: ("(?:[^"\\]|\\.)*"), (?:unit: "[^"]*", )?constLabels: \{(.*)\}, variableLabels: \{(.*)\}\}$`)

// describedBy reads a descriptor, which shows what it holds in its text alone.
func describedBy(t *testing.T, d *prometheus.Desc) (described, bool) {
	t.Helper()
	m := descriptor.FindStringSubmatch(d.String())
	if m == nil {
		t.Fatalf("%s is not as expected", d)
	}
	name, errName := strconv.Unquote(m[1])
	help, errHelp := strconv.Unquote(m[2])
	if errName != nil || errHelp != nil {
		t.Fatalf("%s is not as expected: %v, %v", d, errName, errHelp)
	}
	var labels []string
	for _, label := range strings.Split(m[3]+","+m[4], ",") {
		if name, _, _ := strings.Cut(label, "="); name != "" {
			labels = append(labels, name)
		}
	}
	return described{name, help, strings.Join(labels, ", ")}, strings.HasPrefix(name, "hawser_")
}

// metricTables are the tables of the metrics, one for each part of the
// program.
func metricTables(t *testing.T, registry *prometheus.Registry) string {
	t.Helper()
	types := metricTypes(t, registry)
	descs := make(chan *prometheus.Desc)
	go func() {
		defer close(descs)
		registry.Describe(descs)
	}()
	parts := map[string][]string{}
	for d := range descs {
		m, ok := describedBy(t, d)
		if !ok {
			continue
		}
		part := strings.Split(m.name, "_")[1]
		row := fmt.Sprintf("| %s | %s | %s | %s |\n", m.name, types[m.name], m.labels, m.help)
		if types[m.name] == "" && strings.HasSuffix(m.name, "_total") {
			row = fmt.Sprintf("| %s | counter | %s | %s |\n", m.name, m.labels, m.help)
		} else if types[m.name] == "" {
			t.Errorf("%s has no series from the start, and its type cannot be told", m.name)
		}
		if !slices.Contains(parts[part], row) { // one for each role
			parts[part] = append(parts[part], row)
		}
	}
	var out strings.Builder
	for _, part := range slices.Sorted(maps.Keys(parts)) {
		slices.Sort(parts[part])
		fmt.Fprintf(&out, "## %s\n\n| metric | type | labels | what it tells |\n|---|---|---|---|\n%s\n", part, strings.Join(parts[part], ""))
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// metricTypes are the types of the metrics that have series.
func metricTypes(t *testing.T, registry *prometheus.Registry) map[string]string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]string{}
	for _, f := range families {
		types[f.GetName()] = strings.ToLower(f.GetType().String())
	}
	return types
}
