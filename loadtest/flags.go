package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// The commands.
const (
	density = "density"
	notify  = "notify"
	churn   = "churn"
	storm   = "storm"
	peers   = "peers"
)

// errHelp says that the usage was asked for and has been printed.
var errHelp = errors.New("help was printed")

// about is what each command does.
func about() map[string]string {
	return map[string]string{
		density: "what an idle connection costs: connects all, notifies each once, holds them for --duration with beats, and reads the edge's memory, steady and after a forced collection. --rate: notifies a second",
		notify:  "how long news takes: --rate notifies a second to users at random, for --duration",
		churn:   "devices that come and go: --rate of them a second vanish and come back, for --duration, while each second as many notifies go out",
		peers:   "the same idle work beside an MQTT broker: --conns devices beat for --duration at each, over TLS with the same cipher. The broker is mosquitto of the system, or --target with --pid",
		storm:   "everyone at once: --rate notifies a second to --conns live devices for --duration, then the same while --storm more connect at one instant",
	}
}

// parse reads the command line. The usage goes to stdout where it is asked
// for.
func parse(args []string, stdout io.Writer) (options, error) {
	o := options{}
	if len(args) > 0 && slices.Contains([]string{"help", "-h", "-help", "--help"}, args[0]) {
		usage(stdout)
		return o, errHelp
	}
	if len(args) == 0 || about()[args[0]] == "" {
		return o, fmt.Errorf("name what to measure: %s. For more: loadtest help", strings.Join(slices.Sorted(maps.Keys(about())), ", "))
	}
	o.command = args[0]
	f := flagsOf(&o)
	switch err := f.Parse(args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		usage(stdout)
		return o, errHelp
	case err != nil:
		return o, fmt.Errorf("%w. For the list: loadtest help", err)
	case f.NArg() > 0:
		return o, fmt.Errorf("%.40q is no flag. For the list: loadtest help", f.Arg(0))
	}
	if o.spawn && o.bind == "" {
		o.bind = "127.0.1.0/28"
	}
	return o, o.check()
}

func flagsOf(o *options) *flag.FlagSet {
	f := flag.NewFlagSet("loadtest", flag.ContinueOnError)
	// The package prints errors itself, and too much of them.
	f.SetOutput(io.Discard)
	targetFlags(f, o)
	loadFlags(f, o)
	f.StringVar(&o.json, "json", "", "`FILE` for the result as JSON, schema hawser.loadtest/1; - is standard output")
	f.StringVar(&o.html, "html", "", "`FILE` for a report with charts")
	f.StringVar(&o.hgrm, "hgrm", "", "`DIR` for the latencies as files of HdrHistogram")
	f.Func("fail-if", "`'PATH>VALUE'` in the JSON, as in server.goroutines>200: exit code 99; may be repeated", func(s string) error {
		o.failIf = append(o.failIf, s)
		return nil
	})
	f.Float64Var(&o.maxRSS, "max-rss-per-conn", 0, "`BYTES`: short for --fail-if 'server.rss_bytes_per_conn>BYTES'")
	f.BoolVar(&o.keep, "keep", false, "keep the logs of the processes")
	return f
}

func targetFlags(f *flag.FlagSet, o *options) {
	f.BoolVar(&o.spawn, "spawn", false, "start the edge under test, NATS, a router and a push worker")
	f.IntVar(&o.processes, "processes", 0, "`N` processes of the edge, with --spawn; over TCP on Linux they share a port, otherwise each has its own; 0: as many as descriptors ask for")
	f.IntVar(&o.admissions, "admissions", 0, "`N` devices that each spawned edge lets in a second; 0: what it decides itself, shared by those on one port")
	f.StringVar(&o.serverCPUs, "server-cpus", "", "`LIST` of the cores of what is spawned, as for taskset")
	f.StringVar(&o.addr, "addr", "", "`HOST:PORT` of an edge that is there")
	f.StringVar(&o.caFile, "ca-file", "", "`FILE` with the authorities of the certificates; the system's without it")
	f.StringVar(&o.jwtKey, "jwt-key", "", "`FILE` with the private key of the tenant's device tokens")
	f.StringVar(&o.tenant, "tenant", "demo", "`NAME` of the tenant")
	f.StringVar(&o.users, "users", "lt-%d", "`PATTERN` of the users' names")
	f.StringVar(&o.publishURL, "publish-url", "", "`URL` of a router's API; without it nothing is published")
	f.StringVar(&o.apiKeyFile, "api-key-file", "", "`FILE` with the tenant's API key")
	f.IntVar(&o.pid, "pid", 0, "`PID` of the edge, or of the broker of peers, where it runs on this machine: its memory is read")
	f.StringVar(&o.target, "target", "", "`HOST:PORT` of an MQTT broker with TLS, for peers; with --ca-file and --pid")
}

func loadFlags(f *flag.FlagSet, o *options) {
	f.StringVar(&o.transport, "transport", overTCP, "`TRANSPORT` tcp or quic")
	f.BoolFunc("quic", "short for --transport quic", func(string) error { o.transport = overQUIC; return nil })
	f.StringVar(&o.hello, "hello", helloSDK, "`HELLO` sdk: X25519 without ML-KEM and ChaCha20-Poly1305 first; stock: what crypto/tls offers")
	f.IntVar(&o.conns, "conns", 1000, "`N` connections, each a user's")
	f.Float64Var(&o.connectRate, "connect-rate", 500, "`N` connections a second")
	f.Float64Var(&o.rate, "rate", defaultRate(o.command), "`N` a second of what the command is about")
	f.DurationVar(&o.duration, "duration", time.Minute, "`DURATION` of the measurement itself")
	f.DurationVar(&o.beat, "beat", 30*time.Second, "`DURATION` between two beats of a device; 0: as the edge says")
	f.IntVar(&o.storm, "storm", 30000, "`N` connections that come at once")
	f.IntVar(&o.workers, "workers", 0, "`N` processes that hold the devices; 0: as many as are needed")
	f.StringVar(&o.bind, "bind", "", "`CIDR` of the addresses that connections come from; with --spawn 127.0.1.0/28")
	f.StringVar(&o.cpus, "cpus", "", "`LIST` of the cores of the workers, as for taskset")
	f.BoolVar(&o.bare, "bare", false, "compare the edge's CPU, in rounds: in churn that of a whole connect with a bare accept loop's, in notify that of a message with parked connections' that have no TLS and no sessions")
	f.Uint64Var(&o.seed, "seed", 1, "`N`: the same users, times and choices with the same number")
}

func defaultRate(command string) float64 {
	if command == churn {
		return 100
	}
	return 500
}

func usage(w io.Writer) {
	fmt.Fprint(w, "Usage: loadtest COMMAND --spawn | --addr HOST:PORT --jwt-key FILE [flags]\n\n")
	for _, name := range slices.Sorted(maps.Keys(about())) {
		fmt.Fprintf(w, "  %-11s%s\n", name, about()[name])
	}
	fmt.Fprintf(w, "\n  %-11ssimulated networks under hawser's engine of heartbeats and others; it has flags of its own: loadtest %s --help\n", heartbeats, heartbeats)
	fmt.Fprint(w, "\nFlags:\n")
	flagsOf(&options{}).VisitAll(func(fl *flag.Flag) {
		kind, text := flag.UnquoteUsage(fl)
		fmt.Fprintf(w, "  %s\n        %s%s\n", strings.TrimSpace("--"+fl.Name+" "+kind), text, defaultOf(fl))
	})
}

// defaultOf says what a flag is that is not given, unless its text does.
func defaultOf(fl *flag.Flag) string {
	switch fl.DefValue {
	case "", "0", "false":
		return ""
	}
	if fl.Name == "rate" {
		return fmt.Sprintf(". Default: %g, of churn %g", defaultRate(density), defaultRate(churn))
	}
	return ". Default: " + fl.DefValue
}
