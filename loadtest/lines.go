package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// line is one figure of the report, for people.
type line struct{ Name, Value string }

// lines are the figures of the report but for the latencies.
func (r *report) lines() []line {
	s := r.Server
	all := []line{
		{"connections", fmt.Sprintf("%d of %d held%s", r.Conns.Held, r.Conns.Wanted, counts(r.Conns.Failed))},
		{"RSS a connection, collected", bytesText(s.RSSPerConn)},
		{"RSS a connection, steady", bytesText(s.RSSPerConnSteady)},
		{"kernel a connection", bytesText(s.KernelPerConn)},
		{"total a connection", bytesText(s.TotalPerConn)},
		{"of it heap and stacks", bytesText(s.HeapPerConn) + ", " + bytesText(s.StackPerConn)},
	}
	if s.BaseRSS != nil && s.PeakRSS != nil && s.EndRSS != nil {
		all = append(all, line{"RSS base, peak, end", fmt.Sprintf("%s, %s, %s", mega(*s.BaseRSS), mega(*s.PeakRSS), mega(*s.EndRSS))})
	}
	if s.Goroutines != nil {
		all = append(all, line{"goroutines", fmt.Sprintf("%d in %s", *s.Goroutines, processes(s.Processes))})
	}
	if s.CPUSeconds != nil {
		all = append(all,
			line{"CPU of the edge", fmt.Sprintf("%.1f s", *s.CPUSeconds)},
			line{"CPU a connect, notify, beat", fmt.Sprintf("%s, %s, %s", microText(s.CPUPerConnect), microText(s.CPUPerNotify), microText(s.CPUPerBeat))})
	}
	for _, p := range r.Peers {
		all = append(all, p.line())
	}
	if r.Storm != nil {
		all = append(all, r.Storm.lines()...)
	}
	if r.Memory != nil {
		all = append(all, r.Memory.lines()...)
	}
	for _, b := range r.Beside {
		all = append(all, b.line())
	}
	v := r.Versions
	return append(all,
		line{"CPU of the generator", fmt.Sprintf("%.1f s in %s", r.Generator.CPUSeconds, processes(r.Generator.Workers))},
		line{"versions", fmt.Sprintf("%d published, %d heard, %d lost, %d backwards%s", v.Published, v.Heard, v.Lost, v.Backwards, counts(v.Refused))})
}

func processes(n int) string {
	if n == 1 {
		return "1 process"
	}
	return fmt.Sprintf("%d processes", n)
}

func bytesText(v *float64) string {
	if v == nil {
		return "not measured"
	}
	return fmt.Sprintf("%.0f B", *v)
}

func mega(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }

// counts lists what was counted by reason, in parentheses.
func counts(by map[string]int) string {
	if len(by) == 0 {
		return ""
	}
	var all []string
	for _, reason := range slices.Sorted(maps.Keys(by)) {
		all = append(all, fmt.Sprintf("%s %d", reason, by[reason]))
	}
	return " (" + strings.Join(all, ", ") + ")"
}

// firstLine is that of a file; empty where there is none.
func firstLine(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	text, _, _ := strings.Cut(string(b), "\n")
	return text
}

// memoryOfHost is the machine's memory in bytes, or 0.
func memoryOfHost() int64 {
	var kb int64
	if _, err := fmt.Sscanf(firstLine("/proc/meminfo"), "MemTotal: %d kB", &kb); err != nil {
		return 0
	}
	return kb << 10
}
