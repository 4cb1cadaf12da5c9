package devmode

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// ticksPerSecond is what /proc counts in: Linux tells every program 100.
const ticksPerSecond = 100

// CPUSeconds is a process's user and system time so far, or 0 where the system
// has no /proc or the process is gone.
func CPUSeconds(pid int) float64 {
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

// LoadAverage is that of the last minute: what the machine does besides. 0
// where it is not known.
func LoadAverage() float64 {
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

// RSS is a process's resident memory in bytes. It errs by up to some hundred
// kilobytes; see ExactRSS.
func RSS(pid int) (int64, error) { return memoryLine(pid, "status", "VmRSS:") }

// ExactRSS is RSS counted page by page, which takes the process some
// milliseconds a gigabyte.
func ExactRSS(pid int) (int64, error) { return memoryLine(pid, "smaps_rollup", "Rss:") }

func memoryLine(pid int, file, name string) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		return 0, fmt.Errorf("read a process's memory: %w", err)
	}
	kb, ok := parseMemory(b, name)
	if !ok {
		return 0, fmt.Errorf("read a process's memory: /proc/%d/%s has no %s", pid, file, name)
	}
	return kb << 10, nil
}

// parseMemory finds "NAME  123 kB".
func parseMemory(b []byte, name string) (kb int64, ok bool) {
	for line := range strings.Lines(string(b)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == name && fields[2] == "kB" {
			kb, err := strconv.ParseInt(fields[1], 10, 64)
			return kb, err == nil && kb >= 0 && kb < 1<<50
		}
	}
	return 0, false
}
