package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/routing/embednats"
)

// peer is a broker that did the same idle work.
type peer struct {
	Name string    `json:"name"`
	TLS  tlsReport `json:"tls"`
	Held int       `json:"held"`
	// Steady, as for the edge.
	RSSPerConn *float64  `json:"rss_bytes_per_conn_steady"`
	CPUPerBeat *float64  `json:"cpu_us_per_beat"`
	Beat       quantiles `json:"beat_ms"`
	// What the edge needs of what the broker needs: below 1 is less.
	RSSRatio *float64 `json:"rss_ratio"`
	CPURatio *float64 `json:"cpu_ratio"`
}

// peers: the broker first, then the edge.
func (r *run) peers(ctx context.Context) error {
	p, err := r.peer(ctx)
	if err != nil {
		return fmt.Errorf("measure the broker: %w", err)
	}
	if err := r.connect(ctx, 0, r.o.conns, false); err != nil {
		return err
	}
	if err := r.publish(ctx, PublishCall{To: r.o.conns, Start: time.Now().Add(lead), Rate: r.o.rate, Group: groupNotify}, r.o.conns); err != nil {
		return err
	}
	if err := r.hold(ctx, r.o.duration); err != nil {
		return err
	}
	if err := r.measure(ctx); err != nil {
		return err
	}
	p.RSSRatio = ratio(r.meter.perConn(r.meter.steady, r.meter.baseRSS), p.RSSPerConn)
	p.CPURatio = ratio(r.meter.perBeat, p.CPUPerBeat)
	r.rep.Peers = []peer{*p}
	r.rep.caveat("a broker's device has a clean session and one subscription, no login and no version; an edge's has all that a device has")
	return nil
}

func ratio(a, b *float64) *float64 {
	if a == nil || b == nil || *b == 0 {
		return nil
	}
	v := *a / *b
	return &v
}

// peer does the work at the broker.
func (r *run) peer(ctx context.Context) (*peer, error) {
	b, err := r.startBroker(ctx)
	defer func() { b.stop() }()
	if err != nil {
		return nil, err
	}
	at := &run{o: r.o, n: r.n, dir: r.dir, rep: newReport(r.o), meter: newMeter(nil, b.pid)}
	if err := at.meter.base(); err != nil {
		return nil, err
	}
	p := r.plan()
	r.spawned(&p)
	p.MQTT, p.Addrs, p.CAFile = true, []string{b.addr}, b.caFile
	at.crew, err = startCrew(ctx, r.dir, r.o, p)
	defer func() { at.crew.stop() }()
	if err != nil {
		return nil, err
	}
	at.watch = &watch{crew: at.crew, pids: at.meter.pids, began: time.Now()}
	watching, end := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { at.watch.run(watching) })
	defer wg.Wait()
	defer end()
	r.n.say("the broker: %s", b.name)
	err = errors.Join(at.connect(ctx, 0, r.o.conns, false), at.hold(ctx, r.o.duration), at.measure(ctx))
	if err != nil {
		return nil, err
	}
	return at.asPeer(ctx, b.name)
}

func (r *run) asPeer(ctx context.Context, name string) (*peer, error) {
	r.rep.latencies = newHistograms()
	sum, err := r.crew.results(ctx, r.rep.latencies)
	if err != nil {
		return nil, err
	}
	r.rep.fill(sum)
	if r.rep.Conns.Held != r.o.conns {
		return nil, fmt.Errorf("%s holds %d of %d connections%s", name, r.rep.Conns.Held, r.o.conns, counts(sum.Stats.Failed))
	}
	return &peer{
		Name: name, TLS: r.rep.TLS, Held: r.rep.Conns.Held, Beat: r.rep.Latency[groupBeat],
		RSSPerConn: r.meter.perConn(r.meter.steady, r.meter.baseRSS), CPUPerBeat: r.meter.perBeat,
	}, nil
}

// line is the peer for people.
func (p peer) line() line {
	text := fmt.Sprintf("%s a connection, steady; %s a beat; %s, %s", bytesText(p.RSSPerConn), microText(p.CPUPerBeat), p.TLS.Curve, p.TLS.Suite)
	if p.RSSRatio != nil && p.CPURatio != nil {
		text += fmt.Sprintf("; the edge needs %.2f of its memory and %.2f of its CPU", *p.RSSRatio, *p.CPURatio)
	}
	return line{p.Name, text}
}

func microText(v *float64) string {
	if v == nil {
		return "not measured"
	}
	return fmt.Sprintf("%.0f µs", *v)
}

// broker is a running MQTT broker.
type broker struct {
	name, addr, caFile string
	pid                int
	process            *devmode.Process // nil: somebody else's
	release            func() error
}

// brokerProgram is Debian's mosquitto. A PATH without the folders of
// operators does not find it.
func brokerProgram() (string, error) {
	if path, err := exec.LookPath("mosquitto"); err == nil {
		return path, nil
	}
	const sbin = "/usr/sbin/mosquitto"
	if _, err := os.Stat(sbin); err != nil {
		return "", errors.New("there is no mosquitto here: apt-get install mosquitto, or name a broker with --target and --pid")
	}
	return sbin, nil
}

// startBroker starts mosquitto with the edge's certificate, unless --target
// names a broker. The caller calls stop, also after an error.
func (r *run) startBroker(ctx context.Context) (*broker, error) {
	if r.o.target != "" {
		return &broker{name: "broker", addr: r.o.target, caFile: r.o.caFile, pid: r.o.pid}, nil
	}
	b := &broker{name: "mosquitto", caFile: r.fleet.env.Path(devmode.CAFile)}
	program, err := brokerProgram()
	if err != nil {
		return b, err
	}
	addrs, ports, err := embednats.FreeAddrs(1)
	if err != nil {
		return b, err
	}
	b.addr, b.release = addrs[0], ports.Close
	config := r.fleet.env.Path("mosquitto.conf")
	if err := os.WriteFile(config, []byte(r.brokerConfig(b.addr)), 0o600); err != nil {
		return b, err
	}
	if b.process, err = r.fleet.start(ctx, "mosquitto", program, "-c", config); err != nil {
		return b, err
	}
	b.pid = b.process.Pid()
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	return b, devmode.Until(ctx, func() error {
		if b.process.Ended() {
			return devmode.StopTrying(fmt.Errorf("mosquitto ended: see %s", b.process.Log))
		}
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", b.addr)
		if err != nil {
			return err
		}
		return c.Close()
	})
}

// brokerConfig is as bare as it can be, in the broker's favour, and has the
// cipher that the edge would choose.
func (r *run) brokerConfig(addr string) string {
	host, port, _ := net.SplitHostPort(addr) // of FreeAddrs
	env := r.fleet.env
	suite := "TLS_AES_128_GCM_SHA256"
	if r.o.hello == helloSDK {
		suite = "TLS_CHACHA20_POLY1305_SHA256"
	}
	return fmt.Sprintf("user root\nlistener %s %s\nallow_anonymous true\npersistence false\nlog_type error\nlog_dest stderr\n"+
		"certfile %s\nkeyfile %s\ntls_version tlsv1.3\nciphers_tls1.3 %s\n", port, host, env.Path("edge.pem"), env.Path("edge.key"), suite)
}

func (b *broker) stop() {
	if b.process != nil {
		_ = b.process.Stop() // it has nothing to lose
	}
	if b.release != nil {
		_ = b.release()
	}
}
