package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is what /proc counts in: Linux tells every program 100.
const ticksPerSecond = 100

// cpuUse is how many cores each part used; empty where the system has no /proc.
type cpuUse struct {
	NATS   float64 `json:"nats"`
	Router float64 `json:"router"`
	Edge   float64 `json:"edge"`
	// Devices is this process: publisher, devices and the raw consumer.
	Devices float64 `json:"devices_and_publisher"`
}

// cpu returns the seconds that each part has used so far.
func (m *meter) cpu() (u cpuUse) {
	for _, p := range m.fleet.running {
		s := cpuSeconds(p.Pid())
		switch {
		case p.Name == routerName:
			u.Router += s
		case p.Name == edgeName:
			u.Edge += s
		default:
			u.NATS += s
		}
	}
	u.Devices = cpuSeconds(os.Getpid())
	return u
}

// since returns the cores used since an earlier reading.
func (u cpuUse) since(o cpuUse, d time.Duration) cpuUse {
	s := d.Seconds()
	return cpuUse{(u.NATS - o.NATS) / s, (u.Router - o.Router) / s, (u.Edge - o.Edge) / s, (u.Devices - o.Devices) / s}
}

// cpuSeconds reads a process's user and system time, or 0.
func cpuSeconds(pid int) float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	return parseStat(b)
}

// parseStat reads the 14th and 15th field; the second, a name in parentheses,
// may hold anything.
func parseStat(b []byte) float64 {
	const user, system = 11, 12 // after the name
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) <= system {
		return 0
	}
	u, err1 := strconv.ParseFloat(fields[user], 64)
	s, err2 := strconv.ParseFloat(fields[system], 64)
	if err1 != nil || err2 != nil {
		return 0
	}
	return (u + s) / ticksPerSecond
}

// loadAverage is that of the last minute, or 0.
func loadAverage() float64 {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(b), " ")
	load, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return 0
	}
	return load
}
