package outagetest

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/natsconf"
)

const tenant = "demo"

// devicesNow and outageNow are what the environment asks for.
func devicesNow(t *testing.T) int {
	n, err := strconv.Atoi(or(os.Getenv("HAWSER_OUTAGE_DEVICES"), "2000"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func outageNow(t *testing.T) time.Duration {
	d, err := time.ParseDuration(or(os.Getenv("HAWSER_OUTAGE"), "50s"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func or(v, def string) string {
	if v == "" {
		return def
	}
	return v
}

// fleet is a NATS server, a router and an edge, each a process, the edge
// behind a line to NATS that can be cut.
type fleet struct {
	t            *testing.T
	env          *devmode.Environment
	tls          *tls.Config
	bin          string
	natsAddr     string
	nats         *devmode.Process
	line         *natstest.Line
	router, edge devmode.Node
	processes    map[string]*devmode.Process
	backend      *nats.Conn
}

func startFleet(t *testing.T) *fleet {
	t.Helper()
	if os.Getenv("HAWSER_FAULTS") != "1" {
		t.Skip("runs processes and thousands of connections for minutes: set HAWSER_FAULTS=1 to have it")
	}
	if devicesNow(t) <= 5000 { // two fleets' devices fit into this process's file descriptors
		t.Parallel()
	}
	addrs, release, err := embednats.FreeAddrs(5)
	check(t, err)
	t.Cleanup(func() { _ = release.Close() })
	f := &fleet{
		t: t, bin: t.TempDir(), natsAddr: addrs[0], processes: map[string]*devmode.Process{},
		router: devmode.Node{Name: "router-1", Roles: []string{"router"}, API: addrs[1], Admin: addrs[2], MaxEventsPerSecond: 1_000_000},
		edge:   devmode.Node{Name: "edge-1", Roles: []string{"edge"}, Listen: addrs[3], Admin: addrs[4], DrainSpread: "1ms"},
	}
	f.build()
	f.env, err = devmode.New(devmode.Options{Dir: t.TempDir(), Nodes: []devmode.Node{f.router, f.edge}, NATSURL: "nats://" + f.natsAddr})
	check(t, err)
	t.Cleanup(f.env.Close)
	f.tls, err = f.env.DeviceTLS()
	check(t, err)
	f.writeNATSConfig()
	f.startNATS()
	f.line = natstest.NewLine(t, f.natsAddr)
	f.start(f.router)
	url := f.env.NATSURL
	f.env.NATSURL = f.line.URL()
	f.start(f.edge)
	f.env.NATSURL = url
	f.eventually("the fleet is ready", func() bool {
		return f.router.Ready(t.Context()) == nil && f.edge.Ready(t.Context()) == nil && f.metric(f.edge, "hawser_edgelink_degraded") == 0
	})
	f.backend, err = f.env.ConnectNATS(routing.RoleBackend, tenant, nats.ReconnectWait(50*time.Millisecond), nats.ReconnectBufSize(-1))
	check(t, err)
	t.Cleanup(f.backend.Close)
	return f
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (f *fleet) build() {
	for name, pkg := range map[string]string{"hawser": devmode.HawserPackage, "nats-server": devmode.NATSPackage} {
		check(f.t, devmode.Build(f.t.Context(), filepath.Join(f.bin, name), pkg))
	}
}

func (f *fleet) writeNATSConfig() {
	users, err := natsconf.Whole(f.env.Users())
	check(f.t, err)
	text := fmt.Sprintf("listen: %q\nserver_name: nats-1\njetstream { store_dir: %q, max_file_store: 64GB }\n%s%s",
		f.natsAddr, f.env.Path("nats"), natsconf.Server(), users)
	check(f.t, os.WriteFile(f.env.Path("nats.conf"), []byte(text), 0o600))
}

func (f *fleet) startNATS() {
	var err error
	f.nats, err = devmode.StartProgram(context.Background(), "nats", f.env.Dir, filepath.Join(f.bin, "nats-server"), "-c", f.env.Path("nats.conf"))
	check(f.t, err)
	p := f.nats
	f.t.Cleanup(p.Kill)
	f.eventually("NATS listens", func() bool {
		c, err := net.DialTimeout("tcp", f.natsAddr, time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

func (f *fleet) start(n devmode.Node) {
	config, err := f.env.WriteConfig(n)
	check(f.t, err)
	p, err := devmode.Start(context.Background(), filepath.Join(f.bin, "hawser"), config, n.Name, f.env.Dir)
	check(f.t, err)
	f.processes[n.Name] = p
	f.t.Cleanup(func() {
		p.Kill()
		if log, err := os.ReadFile(p.Log); f.t.Failed() && err == nil {
			f.t.Logf("the end of the log of %s:\n%s", n.Name, log[max(0, len(log)-6000):])
		}
	})
}

// metric is a series without labels, or with the labels in name.
func (f *fleet) metric(n devmode.Node, name string) float64 {
	resp, err := http.Get("http://" + n.Admin + "/metrics")
	if err != nil {
		return -1
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			v, _ := strconv.ParseFloat(value, 64)
			return v
		}
	}
	return -1
}

// cpu is the processor time that the router, the edge and NATS have used.
func (f *fleet) cpu() (router, edge, nats time.Duration) {
	seconds := func(v float64) time.Duration { return time.Duration(v * float64(time.Second)) }
	const name = "process_cpu_seconds_total"
	return seconds(f.metric(f.router, name)), seconds(f.metric(f.edge, name)), cpuOf(f.nats)
}

// cpuOf reads the processor time of a process, 0 where the system has no
// /proc: it is for the log only.
func cpuOf(p *devmode.Process) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Pid()))
	fields := strings.Fields(string(stat))
	if err != nil || len(fields) < 15 {
		return 0
	}
	user, _ := strconv.Atoi(fields[13])
	system, _ := strconv.Atoi(fields[14])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// patience bounds every wait.
const patience = 3 * time.Minute

func (f *fleet) eventually(what string, ok func() bool) {
	f.t.Helper()
	for began := time.Now(); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Since(began) > patience {
			f.t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// publish publishes one event to each device's user and returns when all are
// stored. It repeats each for a minute. pace is the least time between two.
func (f *fleet) publish(devices []*device, round string, pace time.Duration) {
	f.t.Helper()
	work := make(chan *device)
	var failed sync.Once
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			for d := range work {
				if err := f.publishTo(d, round); err != nil {
					failed.Do(func() { f.t.Errorf("publish: %v", err) })
				}
			}
		})
	}
	for _, d := range devices {
		work <- d
		time.Sleep(pace)
	}
	close(work)
	all.Wait()
}

func (f *fleet) publishTo(d *device, round string) error {
	m := nats.NewMsg(routing.PublishSubject(tenant, d.user, "messages"))
	m.Data = []byte(fmt.Sprintf(`{"id":%q}`, round))
	for end := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		err := f.tryPublish(m, d)
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}

func (f *fleet) tryPublish(m *nats.Msg, d *device) error {
	resp, err := f.backend.RequestMsg(m, 5*time.Second)
	if err != nil {
		return err
	}
	var answer struct {
		Version int64  `json:"version,string"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(resp.Data, &answer); err != nil {
		return fmt.Errorf("%w: %.200s", err, resp.Data)
	}
	if answer.Version == 0 {
		return errors.New(answer.Message)
	}
	d.stored(answer.Version)
	return nil
}
