package table

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/hawser-edge/hawser/routing/sessionsum"
)

// The benchmarks take HAWSER_TABLE_DEVICES devices, a million where it is
// not set. Users and devices are named by UUIDs. Every device is registered
// with a push token; whether it has a session too is in the benchmark's name.

const (
	benchEdges   = 40
	benchPerPart = 150
)

func benchDevices(b *testing.B) int {
	if s := os.Getenv("HAWSER_TABLE_DEVICES"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
	return 1_000_000
}

// uuid is the n-th of a series of UUIDs that look random.
func uuid(n, series uint64) string {
	x := rand.NewPCG(n, series)
	a, b := x.Uint64(), x.Uint64()
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&(1<<48-1))
}

func benchID(n, perUser int) DeviceID {
	return ID("acme", uuid(uint64(n/perUser), 1), uuid(uint64(n), 2))
}

// heap is what the process holds, after a collection.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// fill enters devices that are registered, and sessions of those that are
// connected, at several edges.
func fill(tab *Table, devices, perUser int, connected func(n int) bool) {
	for e := range benchEdges {
		tab.slot(fmt.Sprint("e", e), 1, start)
	}
	for n := range devices {
		id := benchID(n, perUser)
		tab.SetRecord(id, true)
		if connected(n) {
			sl := tab.edges[fmt.Sprint("e", n%benchEdges)]
			tab.addAll(sl, []told{{conn: uint64(n), epoch: start.UnixMilli(), device: id}}, start, nil)
		}
	}
}

// A device costs at most 96 bytes, all told, also where each is its user's
// only one, registered and connected.
func TestBytesPerDevice(t *testing.T) {
	const devices = 500_000
	for _, perUser := range []int{1, 3} {
		before := heap()
		tab := New()
		fill(tab, devices, perUser, func(int) bool { return true })
		perDevice := float64(heap()-before) / devices
		t.Logf("%d a user: %.1f bytes a device", perUser, perDevice)
		if perDevice > 96 {
			t.Errorf("%d devices a user: %.1f bytes a device", perUser, perDevice)
		}
		runtime.KeepAlive(tab)
	}
}

func BenchmarkLookup(b *testing.B) {
	devices := benchDevices(b)
	for _, perUser := range []int{1, 3} {
		b.Run(fmt.Sprintf("registered+connected/%d-a-user", perUser), func(b *testing.B) {
			before := heap()
			tab := New()
			fill(tab, devices, perUser, func(int) bool { return true })
			perDevice := float64(heap()-before) / float64(devices)
			ids := make([]UserID, 1<<16)
			for i := range ids {
				ids[i] = benchID(rand.IntN(devices), perUser).UserID
			}
			var dst []Device
			found := 0
			for i := 0; b.Loop(); i++ {
				dst = tab.Devices(dst[:0], ids[i%len(ids)])
				found += len(dst)
			}
			if found < b.N {
				b.Fatal("a user was not found")
			}
			b.ReportMetric(perDevice, "B/device")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lookups/s")
		})
	}
}

// BenchmarkRebuild is what a router does that starts: it takes in the dumps
// of all edges, as they arrive from NATS.
func BenchmarkRebuild(b *testing.B) {
	devices := benchDevices(b)
	dumps := make([][][]byte, benchEdges)
	for e := range dumps {
		dumps[e] = encode(e, devices)
	}
	for _, registered := range []bool{false, true} {
		b.Run(fmt.Sprintf("registered=%v", registered), func(b *testing.B) {
			var took, worst time.Duration
			for b.Loop() {
				b.StopTimer()
				tab := New()
				if registered {
					fill(tab, devices, 2, func(int) bool { return false })
				}
				now := start
				for e := range dumps {
					sl, _ := tab.slot(fmt.Sprint("e", e), 1, now)
					sl.behind = true
				}
				ids := map[string]uint64{}
				for _, n := range tab.DumpNeeds(now) {
					ids[n.Edge] = n.ID
				}
				runtime.GC()
				b.StartTimer()
				begin := time.Now()
				worst = max(worst, rebuild(b, tab, dumps, ids))
				took += time.Since(begin)
				if tab.Sessions() != devices {
					b.Fatalf("%d sessions", tab.Sessions())
				}
			}
			b.ReportMetric(float64(devices*b.N)/took.Seconds(), "sessions/s")
			b.ReportMetric(float64(worst.Microseconds()), "worst-part-µs")
		})
	}
}

// rebuild takes the dumps in, by turns as edges send them.
func rebuild(b *testing.B, tab *Table, dumps [][][]byte, ids map[string]uint64) (worst time.Duration) {
	var part DumpPart
	var changes []Change
	for n := range dumps[0] {
		for _, parts := range dumps {
			begin := time.Now()
			if err := part.Parse(parts[n]); err != nil {
				b.Fatal(err)
			}
			part.ID = ids[part.Edge]
			_, changes = tab.TakeDump(&part, start, changes[:0])
			worst = max(worst, time.Since(begin))
		}
	}
	return worst
}

// encode returns the parts of an edge's dump as it sends them.
func encode(e, devices int) (parts [][]byte) {
	var sessions []byte
	inPart := 0
	flush := func(last bool) {
		var p []byte
		p = protowire.AppendTag(p, dumpEdge, protowire.BytesType)
		p = protowire.AppendString(p, fmt.Sprint("e", e))
		p = protowire.AppendTag(p, dumpIncarnation, protowire.VarintType)
		p = protowire.AppendVarint(p, 1)
		p = append(p, sessions...)
		p = protowire.AppendTag(p, dumpPart, protowire.VarintType)
		p = protowire.AppendVarint(p, uint64(len(parts)))
		p = protowire.AppendTag(p, dumpLast, protowire.VarintType)
		p = protowire.AppendVarint(p, protowire.EncodeBool(last))
		parts = append(parts, p)
		sessions, inPart = nil, 0
	}
	for n := e; n < devices; n += benchEdges {
		id := benchID(n, 2)
		var s []byte
		s = protowire.AppendTag(s, sessionConn, protowire.VarintType)
		s = protowire.AppendVarint(s, uint64(n))
		for field, name := range map[protowire.Number]string{sessionTenant: id.Tenant, sessionUser: id.User, sessionDevice: id.Device} {
			s = protowire.AppendTag(s, field, protowire.BytesType)
			s = protowire.AppendString(s, name)
		}
		s = protowire.AppendTag(s, sessionEpoch, protowire.VarintType)
		s = protowire.AppendVarint(s, uint64(start.UnixMilli()))
		sessions = protowire.AppendTag(sessions, dumpSessions, protowire.BytesType)
		sessions = protowire.AppendBytes(sessions, s)
		if inPart++; inPart == benchPerPart {
			flush(false)
		}
	}
	flush(true)
	return parts
}

func BenchmarkSessionSum(b *testing.B) {
	id := benchID(1, 1)
	for b.Loop() {
		sessionsum.Of(7, id.Tenant, id.User, id.Device, 1_700_000_000_000)
	}
}
