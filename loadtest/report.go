package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"text/tabwriter"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
)

// report is what a run found. Names are added to and never changed. A pointer
// is nil, and null in JSON, where something was not measured.
type report struct {
	Schema     string               `json:"schema"`
	OK         bool                 `json:"ok"`
	Reasons    []string             `json:"reasons"` // why it is not ok
	Command    string               `json:"command"`
	Host       host                 `json:"host"`
	Config     map[string]any       `json:"config"`
	Conns      conns                `json:"conns"`
	Server     server               `json:"server"`
	TLS        tlsReport            `json:"tls"`
	Latency    map[string]quantiles `json:"latency_ms"`
	Versions   versions             `json:"versions_check"`
	Generator  generator            `json:"generator"`
	Storm      *stormReport         `json:"storm,omitempty"`
	Memory     *parts               `json:"memory_by_part"` // with --spawn
	Peers      []peer               `json:"peers,omitempty"`
	Beside     []comparison         `json:"beside,omitempty"`
	Thresholds []threshold          `json:"thresholds"`
	Caveats    []string             `json:"caveats"`

	// For the charts only.
	samples   []sample
	latencies *histograms
}

type host struct {
	OS          string  `json:"os"`
	Arch        string  `json:"arch"`
	Kernel      string  `json:"kernel"`
	Cores       int     `json:"cores"`
	MemoryBytes int64   `json:"memory_bytes"`
	Go          string  `json:"go"`
	LoadBefore  float64 `json:"load_average_before"`
}

type conns struct {
	Wanted int            `json:"wanted"`
	Held   int            `json:"held"` // at the end of the measurement
	Failed map[string]int `json:"failed_by_reason"`
}

// server is the edge under test, all its processes together.
type server struct {
	// Above the base, a connection: after a forced collection; with nothing
	// forced; what the kernel holds for the edge's end; and the first and the
	// third together.
	RSSPerConn       *float64 `json:"rss_bytes_per_conn"`
	RSSPerConnSteady *float64 `json:"rss_bytes_per_conn_steady"`
	KernelPerConn    *float64 `json:"kernel_bytes_per_conn"`
	TotalPerConn     *float64 `json:"total_bytes_per_conn"`
	HeapPerConn      *float64 `json:"heap_bytes_per_conn"`
	StackPerConn     *float64 `json:"stack_bytes_per_conn"`
	Goroutines       *int     `json:"goroutines"`
	CPUSeconds       *float64 `json:"cpu_seconds"`
	// All that the edge does while devices connect, are notified, or only
	// beat, by their number.
	CPUPerConnect *float64 `json:"cpu_us_per_connect"`
	CPUPerNotify  *float64 `json:"cpu_us_per_notify"`
	CPUPerBeat    *float64 `json:"cpu_us_per_beat"`
	GCCPUSeconds  *float64 `json:"gc_cpu_seconds"`

	BaseRSS *int64 `json:"base_rss_bytes"` // ready, before any connection
	RSS     *int64 `json:"rss_bytes"`      // after a forced collection
	PeakRSS *int64 `json:"peak_rss_bytes"` // of the samples
	// EndRSS is that of the last sample before anything was forced.
	EndRSS    *int64 `json:"end_rss_bytes"`
	Processes int    `json:"processes"`
}

type tlsReport struct {
	Curve string `json:"curve"`
	Suite string `json:"suite"`
}

type versions struct {
	Published int            `json:"published"`
	Heard     int            `json:"heard"`
	Lost      int            `json:"lost"`
	Backwards int            `json:"backwards"`
	Refused   map[string]int `json:"refused_by_reason"`
}

type generator struct {
	Workers    int     `json:"workers"`
	CPUSeconds float64 `json:"cpu_seconds"`
	RSS        int64   `json:"rss_bytes"`
}

func newReport(o options) *report {
	r := &report{
		Schema: "hawser.loadtest/1", Command: o.command, Reasons: []string{}, Thresholds: []threshold{}, Caveats: []string{},
		Config: map[string]any{
			"spawn": o.spawn, "addr": o.addr, "transport": o.transport, "hello": o.hello, "conns": o.conns,
			"connect_rate": o.connectRate, "rate": o.rate, "duration_s": o.duration.Seconds(), "beat_s": o.beat.Seconds(),
			"bind": o.bind, "seed": o.seed, "cpus": o.cpus, "server_cpus": o.serverCPUs, "processes": o.edges(),
		},
		Host: host{
			OS: runtime.GOOS, Arch: runtime.GOARCH, Kernel: firstLine("/proc/sys/kernel/osrelease"), Cores: runtime.NumCPU(),
			MemoryBytes: memoryOfHost(), Go: runtime.Version(), LoadBefore: devmode.LoadAverage(),
		},
	}
	if o.command == storm {
		r.Config["storm"], r.Config["admissions"] = o.storm, o.admissions
	}
	return r
}

// caveat adds a sentence that a reader of the figures has to know.
func (r *report) caveat(format string, args ...any) {
	r.Caveats = append(r.Caveats, fmt.Sprintf(format, args...))
}

// wrong adds a reason for which the run is not ok.
func (r *report) wrong(format string, args ...any) {
	r.Reasons = append(r.Reasons, fmt.Sprintf(format, args...))
}

// conclude decides whether the run is ok.
func (r *report) conclude(o options) error {
	if r.Conns.Held != r.Conns.Wanted {
		r.wrong("%d of %d connections are held", r.Conns.Held, r.Conns.Wanted)
	}
	if r.Versions.Lost > 0 {
		r.wrong("%d versions were not heard", r.Versions.Lost)
	}
	if r.Versions.Backwards > 0 {
		r.wrong("%d notifies went backwards", r.Versions.Backwards)
	}
	for reason, n := range r.Versions.Refused {
		r.wrong("%d publications were not taken: %s", n, reason)
	}
	slices.Sort(r.Reasons)
	r.OK = len(r.Reasons) == 0
	return r.judge(o.rules())
}

// write writes what the flags ask for; the table goes to stdout unless the
// JSON does.
func (r *report) write(o options, stdout io.Writer) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	switch o.json {
	case "":
	case "-":
		_, err = stdout.Write(text)
	default:
		err = os.WriteFile(o.json, text, 0o666)
	}
	if err != nil {
		return fmt.Errorf("--json: %w", err)
	}
	if o.hgrm != "" {
		if err := r.latencies.write(o.hgrm); err != nil {
			return err
		}
	}
	if o.html != "" {
		if err := r.writeHTML(o.html); err != nil {
			return fmt.Errorf("--html: %w", err)
		}
	}
	if o.json == "-" {
		return nil
	}
	return r.table(stdout)
}

// table prints the report for people.
func (r *report) table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s over %v, hello %v: %s, %s\n\n", r.Command, r.Config["transport"], r.Config["hello"], r.TLS.Curve, r.TLS.Suite)
	for _, l := range r.lines() {
		fmt.Fprintf(t, "%s\t%s\n", l.Name, l.Value)
	}
	fmt.Fprintf(t, "\nms\tp50\tp90\tp99\tp99.9\tmax\tcount\n")
	for _, group := range slices.Sorted(maps.Keys(r.Latency)) {
		q := r.Latency[group]
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%d\n", group, q.P50, q.P90, q.P99, q.P999, q.Max, q.Count)
	}
	fmt.Fprintln(t)
	for _, c := range r.Caveats {
		fmt.Fprintf(t, "note: %s\n", c)
	}
	return t.Flush()
}
