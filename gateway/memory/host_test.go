package memory

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const (
	mib = 1 << 20
	gib = 1 << 30

	mountV2     = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
	mountV1     = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
	mountCPU    = "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
	mountHybrid = mountCPU + mountV1 + "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
)

func machineOf(total, available int64) string {
	return fmt.Sprintf("MemTotal:       %d kB\nMemFree:        1 kB\nMemAvailable:   %d kB\n", total>>10, available>>10)
}

func TestRooms(t *testing.T) {
	const whole = 16 * gib
	for name, c := range map[string]struct {
		files map[string]string
		want  []room
	}{
		"no files at all": {nil, nil},
		"no cgroup": {
			map[string]string{"proc/meminfo": machineOf(whole, 4*gib)},
			[]room{{"machine", whole, 4 * gib}},
		},
		"a kernel that does not say what is available": {
			map[string]string{"proc/meminfo": "MemTotal: 1000 kB\n"}, nil,
		},
		"a container of its own namespace, v2": {
			map[string]string{
				"proc/meminfo": machineOf(whole, 4*gib), "proc/self/cgroup": "0::/\n", "proc/self/mountinfo": mountV2,
				"sys/fs/cgroup/memory.max": fmt.Sprintln(4 * gib), "sys/fs/cgroup/memory.high": "max\n",
				"sys/fs/cgroup/memory.current": fmt.Sprintln(1 * gib),
				"sys/fs/cgroup/memory.stat":    fmt.Sprintf("anon 5\nfile 9\ninactive_file %d\nactive_file 7\n", 256*mib),
			},
			[]room{{"machine", whole, 4 * gib}, {"cgroup", 4 * gib, 3*gib + 256*mib}},
		},
		"a unit with MemoryHigh below a slice with a limit": {
			map[string]string{
				"proc/meminfo": machineOf(whole, 4*gib), "proc/self/mountinfo": mountV2,
				"proc/self/cgroup": "0::/hawser.slice/edge:1.service\n",
				"sys/fs/cgroup/hawser.slice/edge:1.service/memory.max":     fmt.Sprintln(2 * gib),
				"sys/fs/cgroup/hawser.slice/edge:1.service/memory.high":    fmt.Sprintln(1 * gib),
				"sys/fs/cgroup/hawser.slice/edge:1.service/memory.current": fmt.Sprintln(512 * mib),
				"sys/fs/cgroup/hawser.slice/memory.max":                    fmt.Sprintln(8 * gib),
				"sys/fs/cgroup/hawser.slice/memory.current":                fmt.Sprintln(7 * gib),
			},
			[]room{{"machine", whole, 4 * gib}, {"cgroup", gib, 512 * mib}, {"cgroup", 8 * gib, gib}},
		},
		"a v1 container that sees the host's names": {
			map[string]string{
				"proc/meminfo": machineOf(whole, 4*gib), "proc/self/cgroup": "9:name=systemd:/docker/abc\n4:cpu,memory:/docker/abc\n0::/\n",
				"proc/self/mountinfo":                        strings.ReplaceAll(mountHybrid, "0:32 / ", "0:32 /docker/abc "),
				"sys/fs/cgroup/memory/memory.limit_in_bytes": fmt.Sprintln(512 * mib), "sys/fs/cgroup/memory/memory.usage_in_bytes": fmt.Sprintln(600 * mib),
				"sys/fs/cgroup/memory/memory.stat": fmt.Sprintf("inactive_file 1\ntotal_inactive_file %d\n", 50*mib),
			},
			[]room{{"machine", whole, 4 * gib}, {"cgroup", 512 * mib, 0}},
		},
		"v1 without a limit": {
			map[string]string{
				"proc/meminfo": machineOf(whole, 4*gib), "proc/self/cgroup": "4:memory:/a/b\n", "proc/self/mountinfo": mountHybrid,
				"sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "9223372036854771712\n", "sys/fs/cgroup/memory/a/b/memory.usage_in_bytes": "1\n",
			},
			[]room{{"machine", whole, 4 * gib}},
		},
		"limits that are none": {
			map[string]string{
				"proc/meminfo": "MemTotal: many kB\n", "proc/self/cgroup": "\n::\n0::/\n", "proc/self/mountinfo": "- - -\n" + mountV2,
				"sys/fs/cgroup/memory.max": "0\n", "sys/fs/cgroup/memory.high": "-5\n", "sys/fs/cgroup/memory.current": "1\n",
			},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			files := fstest.MapFS{}
			for name, text := range c.files {
				files[name] = &fstest.MapFile{Data: []byte(text)}
			}
			if got := newHost(files).rooms(); !slices.Equal(got, c.want) {
				t.Errorf("%v instead of %v", got, c.want)
			}
		})
	}
}

func TestCgroups(t *testing.T) {
	for name, c := range map[string]struct {
		membership, mounts string
		want               []cgroup
	}{
		"the whole way up":        {"0::/a/b\n", mountV2, []cgroup{{"sys/fs/cgroup/a/b", true}, {"sys/fs/cgroup/a", true}, {"sys/fs/cgroup", true}}},
		"the rest is not shown":   {"0::/a/b/c\n", strings.Replace(mountV2, " / /sys", " /a/b /sys", 1), []cgroup{{"sys/fs/cgroup/c", true}, {"sys/fs/cgroup", true}}},
		"outside of the mount":    {"0::/../../x\n", strings.Replace(mountV2, " / /sys", " /a /sys", 1), []cgroup{{"sys/fs/cgroup", true}}},
		"a name that only begins": {"0::/ab\n", strings.Replace(mountV2, " / /sys", " /a /sys", 1), []cgroup{{"sys/fs/cgroup", true}}},
		"a point with a space":    {"0::/\n", strings.Replace(mountV2, "/sys/fs/cgroup", `/my\040groups`, 1), []cgroup{{"my groups", true}}},
		"v1 and no memory":        {"1:cpu:/a\n", mountCPU, nil},
		"not mounted":             {"4:memory:/a\n0::/a\n", mountCPU, nil},
	} {
		if got := findCgroups(c.membership, c.mounts); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v instead of %v", name, got, c.want)
		}
	}
}

// Whatever the two files say, no folder is outside of the root.
func FuzzCgroups(f *testing.F) {
	f.Add("0::/a/b\n4:memory:/x\n", mountHybrid)
	f.Add("0::/../../x\n", strings.Replace(mountV2, "/sys/fs/cgroup", `/a\056\056/../\134`, 1))
	f.Fuzz(func(t *testing.T, membership, mounts string) {
		for _, g := range findCgroups(membership, mounts) {
			if strings.HasPrefix(g.dir, "/") || g.dir == ".." || strings.HasPrefix(g.dir, "../") || strings.Contains(g.dir, "/../") {
				t.Errorf("%q", g.dir)
			}
		}
		newHost(fstest.MapFS{
			"proc/self/cgroup": {Data: []byte(membership)}, "proc/self/mountinfo": {Data: []byte(mounts)}, "proc/meminfo": {Data: []byte(mounts)},
		}).rooms()
	})
}

// A limit of this machine is found where there is /proc.
func TestThisHost(t *testing.T) {
	process, h := system()
	if _, err := fs.Stat(h.root, "proc/meminfo"); err != nil {
		t.Skip("no /proc/meminfo on this system")
	}
	rooms := h.rooms()
	if len(rooms) == 0 || rooms[0].limit < 64*mib || rooms[0].free <= 0 {
		t.Errorf("%v", rooms)
	}
	if s := process.sample(); s.cores < 1 || s.cycles < 0 || s.own <= 0 || s.objects <= 0 || s.allocated < s.objects || s.own < s.objects {
		t.Errorf("%+v", s)
	}
}

// What is given back is no longer the process's own.
func TestOwn(t *testing.T) {
	p := goRuntime{}
	large := make([]byte, 64*mib)
	for i := range large {
		large[i] = 1
	}
	with := p.sample()
	large = nil
	p.trim()
	if without := p.sample(); without.own > with.own-32*mib || without.cycles <= with.cycles {
		t.Errorf("%+v with 64 MiB, %+v without", with, without)
	}
}
