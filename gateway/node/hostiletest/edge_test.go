package hostiletest

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/node"
	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/token"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats"
)

const (
	tenant = "demo"
	// patience bounds every wait.
	patience = time.Minute
	// unfinishedPerAddress is the edge's bound where it is not exempt.
	unfinishedPerAddress = 24
	// asNode makes a process of this program the edge, of that configuration.
	asNode = "HOSTILETEST_NODE"
)

// TestMain is the edge's process, too: nothing has to be built for it.
func TestMain(m *testing.M) {
	if file := os.Getenv(asNode); file != "" {
		if err := serve(file); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func serve(file string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cfg, err := config.Load(file, os.Environ())
	if err != nil {
		return err
	}
	n, err := node.NewAlone(cfg, slog.New(slog.NewJSONHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	return n.Run(ctx)
}

// edge is a process with an edge and a router.
type edge struct {
	t       *testing.T
	env     *devmode.Environment
	node    devmode.Node
	process *devmode.Process
	tls     *tls.Config
	signer  *token.Signer
	stolen  *token.Signer // its key is not the tenant's
	backend *nats.Conn
}

func startEdge(t *testing.T) *edge {
	t.Helper()
	addrs, release, err := embednats.FreeAddrs(3)
	check(t, err)
	t.Cleanup(func() { _ = release.Close() })
	e := &edge{t: t, node: devmode.Node{
		Name: "edge-1", Roles: []string{"edge", "router"}, Listen: addrs[0], API: addrs[1], Admin: addrs[2],
		DrainSpread: "1ms", MaxEventsPerSecond: 1_000_000, Debug: true,
	}}
	e.env, err = devmode.New(devmode.Options{Dir: t.TempDir(), Nodes: []devmode.Node{e.node}})
	check(t, err)
	t.Cleanup(e.env.Close)
	config, err := e.env.WriteConfig(e.node)
	check(t, err)
	for name, value := range map[string]string{
		asNode: config, "HAWSER_EDGE_HANDSHAKE_TIMEOUT": "4s", "HAWSER_EDGE_HELLO_TIMEOUT": "4s", "HAWSER_EDGE_WRITE_TIMEOUT": "1s",
		// The other attackers come from the host that the phones are on.
		"HAWSER_EDGE_ADMISSION_EXEMPT_SOURCES":         "127.0.0.0/16",
		"HAWSER_EDGE_ADMISSION_UNFINISHED_PER_ADDRESS": strconv.Itoa(unfinishedPerAddress),
		// Nobody is told to come back later, so that each meets what it means.
		"HAWSER_EDGE_ADMISSION_PER_SECOND": "100000",
	} {
		t.Setenv(name, value)
	}
	program, err := os.Executable()
	check(t, err)
	e.process, err = devmode.StartProgram(context.Background(), e.node.Name, e.env.Dir, program)
	check(t, err)
	t.Cleanup(e.stop)
	eventually(t, "the edge is ready", func() bool { return e.node.Ready(t.Context()) == nil })
	e.tls, err = e.env.DeviceTLS()
	check(t, err)
	e.tls.NextProtos, e.tls.ServerName = []string{"hawser/1"}, "localhost"
	e.tls.CurvePreferences = []tls.CurveID{tls.X25519}
	e.sign()
	e.backend, err = e.env.ConnectNATS(routing.RoleBackend, tenant)
	check(t, err)
	t.Cleanup(e.backend.Close)
	return e
}

func (e *edge) stop() {
	if e.t.Failed() {
		if resp, err := http.Get("http://" + e.node.Admin + "/debug/pprof/goroutine?debug=1"); err == nil {
			stacks, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			e.t.Logf("what the edge does:\n%s", stacks[:min(len(stacks), 20_000)])
		}
	}
	e.process.Kill()
	if log, err := os.ReadFile(e.process.Log); e.t.Failed() && err == nil {
		e.t.Logf("the end of the edge's log:\n%s", log[max(0, len(log)-6000):])
	}
}

// sign reads the tenant's key, and makes another.
func (e *edge) sign() {
	key, err := os.ReadFile(e.env.Path(tenant + ".jwk"))
	check(e.t, err)
	e.signer, err = token.ParseSigner(key)
	check(e.t, err)
	other, _, err := token.GenerateKey()
	check(e.t, err)
	e.stolen, err = token.ParseSigner(other)
	check(e.t, err)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for began := time.Now(); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// metrics are the edge's series, by name and labels.
func (e *edge) metrics() map[string]float64 {
	resp, err := http.Get("http://" + e.node.Admin + "/metrics")
	check(e.t, err)
	defer resp.Body.Close()
	out := map[string]float64{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), "} "); ok {
			out[name+"}"], _ = strconv.ParseFloat(value, 64)
		} else if name, value, ok := strings.Cut(lines.Text(), " "); ok && name != "#" {
			out[name], _ = strconv.ParseFloat(value, 64)
		}
	}
	return out
}

// drops are the connections that ended, by why, as in the labels.
func (e *edge) drops() map[string]int {
	out := map[string]int{}
	for name, n := range e.metrics() {
		where, labels, _ := strings.Cut(name, "{")
		_, reason, _ := strings.Cut(labels, `reason="`)
		reason, _, _ = strings.Cut(reason, `"`)
		switch where {
		case "hawser_transport_rejected_total":
			out["rejected "+reason] += int(n)
		case "hawser_session_refused_total":
			out["refused "+reason] += int(n)
		case "hawser_session_closed_total":
			out["closed "+reason] += int(n)
		}
	}
	return out
}

// rest is what must be the same before and after.
type rest struct {
	Live, Unidentified, Unfinished, Sockets, Files float64
	Goroutines                                     float64
}

func (e *edge) rest() rest {
	m := e.metrics()
	return rest{
		m["hawser_session_live"], m["hawser_session_unidentified"], m["hawser_admission_unfinished"], m["hawser_admission_sockets"],
		m["process_open_fds"], m["go_goroutines"],
	}
}

// memory is the edge's after a collection, in bytes.
func (e *edge) memory() (heap, resident int64) {
	resp, err := http.Post("http://"+e.node.Admin+"/debug/collect", "", nil)
	check(e.t, err)
	defer resp.Body.Close()
	var m struct {
		Heap int64 `json:"heap_bytes"`
	}
	check(e.t, json.NewDecoder(resp.Body).Decode(&m))
	return m.Heap, int64(e.metrics()["process_resident_memory_bytes"])
}
