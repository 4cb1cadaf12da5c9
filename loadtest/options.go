package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
)

// The transports and hellos under test.
const (
	overTCP  = "tcp"
	overQUIC = "quic"

	// helloStock is what crypto/tls offers by itself: an ML-KEM share, and
	// AES-GCM first on machines that have instructions for it.
	helloStock = "stock"
	// helloSDK offers X25519 without ML-KEM and ChaCha20-Poly1305 first: what costs an
	// edge the least memory.
	helloSDK = "sdk"
)

// options of a run.
type options struct {
	command string

	// The deployment under test: spawned, or at addr.
	spawn      bool
	processes  int
	admissions int
	addr       string
	caFile     string
	jwtKey     string
	tenant     string
	users      string
	publishURL string
	apiKeyFile string
	pid        int
	target     string // a broker

	// The load.
	transport   string
	hello       string
	conns       int
	connectRate float64
	rate        float64
	duration    time.Duration
	beat        time.Duration
	storm       int
	workers     int
	bind        string
	cpus        string
	serverCPUs  string
	seed        uint64
	bare        bool

	// What comes out.
	json, html, hgrm string
	failIf           []string
	maxRSS           float64
	keep             bool
}

// Bounds that keep a slip of the finger from taking the machine down.
const (
	maxConns     = 2_000_000
	maxRate      = 1_000_000
	maxProcesses = 10
	maxWorkers   = 256
)

func (o *options) check() error {
	return errors.Join(o.checkTarget(), o.checkLoad(), o.checkUsers(), checkRules(o.rules()))
}

func (o *options) checkTarget() error {
	switch {
	case o.command == peers:
		return o.checkPeers()
	case o.target != "":
		return errors.New("--target belongs to peers")
	case o.spawn == (o.addr != ""):
		return errors.New("name what is tested: --spawn, or --addr HOST:PORT of an edge")
	case o.bare && (!o.spawn || o.transport != overTCP || o.processes > 1 || o.command != churn && o.command != notify):
		return errors.New("--bare compares one spawned process with one process, over TCP, in churn and notify")
	case o.admissions < 0 || o.admissions > maxRate:
		return fmt.Errorf("--admissions %d must be 1 to %d, or 0", o.admissions, maxRate)
	case o.spawn:
		return o.checkSpawned()
	default:
		return o.checkDeployed()
	}
}

// checkSpawned is for an edge that is made for the run.
func (o *options) checkSpawned() error {
	switch {
	case o.jwtKey != "" || o.publishURL != "" || o.apiKeyFile != "" || o.caFile != "" || o.pid != 0:
		return errors.New("--jwt-key, --publish-url, --api-key-file, --ca-file and --pid belong to --addr: with --spawn all of that is made")
	case o.processes < 0 || o.processes > maxProcesses:
		return fmt.Errorf("--processes %d must be 1 to %d, or 0", o.processes, maxProcesses)
	}
	return nil
}

// checkDeployed is for an edge that is there.
func (o *options) checkDeployed() error {
	_, _, err := net.SplitHostPort(o.addr)
	switch {
	case o.admissions != 0:
		return errors.New("--admissions belongs to --spawn")
	case o.processes != 0 || o.serverCPUs != "":
		return errors.New("--processes and --server-cpus belong to --spawn")
	case err != nil:
		return fmt.Errorf("--addr %.80q must be HOST:PORT", o.addr)
	case o.jwtKey == "":
		return errors.New("--jwt-key is missing: the file with the private key that signs the tenant's device tokens (hawser token --new-key makes one)")
	}
	return o.checkPublishing()
}

func (o *options) checkPeers() error {
	switch {
	case !o.spawn:
		return errors.New("peers measures an edge that it starts: --spawn")
	case o.transport != overTCP || o.beat == 0:
		return errors.New("brokers speak TCP, and their devices beat when told to: --transport tcp and a --beat")
	case (o.target == "") != (o.pid == 0):
		return errors.New("--target and --pid go together: what a broker costs is read where it runs")
	case o.processes > 1:
		return errors.New("peers compares one process with one process")
	}
	return nil
}

func (o *options) checkPublishing() error {
	if (o.publishURL == "") != (o.apiKeyFile == "") {
		return errors.New("--publish-url and --api-key-file go together")
	}
	if o.publishURL == "" {
		if o.command != density {
			return fmt.Errorf("%s publishes: --publish-url and --api-key-file are missing", o.command)
		}
		return nil
	}
	u, err := url.Parse(o.publishURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("--publish-url %.80q is no URL: write for example https://router.example.com:7480", o.publishURL)
	}
	return nil
}

func (o *options) checkLoad() error {
	switch {
	case o.transport != overTCP && o.transport != overQUIC:
		return fmt.Errorf("--transport %.20q must be tcp or quic", o.transport)
	case o.hello != helloSDK && o.hello != helloStock:
		return fmt.Errorf("--hello %.20q must be sdk or stock", o.hello)
	case o.conns < 1 || o.conns > maxConns:
		return fmt.Errorf("--conns %d must be 1 to %d", o.conns, maxConns)
	case o.command == storm && (o.storm < 1 || o.storm > maxConns):
		return fmt.Errorf("--storm %d must be 1 to %d", o.storm, maxConns)
	case o.rate <= 0 || o.rate > maxRate:
		return fmt.Errorf("--rate %g must be above 0, at most %d", o.rate, maxRate)
	case o.connectRate <= 0 || o.connectRate > maxRate:
		return fmt.Errorf("--connect-rate %g must be above 0, at most %d", o.connectRate, maxRate)
	case o.duration < time.Second || o.duration > 24*time.Hour:
		return fmt.Errorf("--duration %v must be 1s to 24h", o.duration)
	case o.beat != 0 && (o.beat < time.Second || o.beat > time.Hour):
		return fmt.Errorf("--beat %v must be 1s to 1h, or 0 for what the edge says", o.beat)
	case o.workers < 0 || o.workers > maxWorkers:
		return fmt.Errorf("--workers %d must be 1 to %d, or 0", o.workers, maxWorkers)
	}
	_, err := addresses(o.bind)
	return err
}

// edges is how many processes the edge has: over TCP each connection takes a
// descriptor.
func (o *options) edges() int {
	if o.processes > 0 {
		return o.processes
	}
	if o.transport != overTCP || o.command == peers || o.bare {
		return 1
	}
	conns := o.conns
	if o.command == storm {
		conns += o.storm
	}
	return min(edgesFor(conns), maxProcesses)
}

// checkUsers wants a pattern that gives every number a user of its own.
func (o *options) checkUsers() error {
	for what, id := range map[string]string{"--tenant": o.tenant, "--users": userName(o.users, maxConns)} {
		if err := wire.CheckID(what, id); err != nil {
			return fmt.Errorf("%w: for example --tenant demo --users 'lt-%%d'", err)
		}
	}
	if userName(o.users, 1) == userName(o.users, 2) || strings.Count(o.users, "%") != 1 {
		return fmt.Errorf("--users %.80q must hold %%d once, where the user's number goes", o.users)
	}
	return nil
}

// userName is the name of a user by number.
func userName(pattern string, n int) string { return fmt.Sprintf(pattern, n) }

// maxAddresses is how many source addresses are used at most.
const maxAddresses = 256

// addresses are those of a network in CIDR notation, for connections to come
// from. None for an empty text.
func addresses(cidr string) ([]string, error) {
	if cidr == "" {
		return nil, nil
	}
	network, err := netip.ParsePrefix(cidr)
	if err != nil {
		return nil, fmt.Errorf("--bind %.80q must be a network such as 127.0.1.0/28", cidr)
	}
	var all []string
	for a := network.Masked().Addr(); network.Contains(a) && len(all) < maxAddresses; a = a.Next() {
		all = append(all, a.String())
	}
	// The first and the last of an IPv4 network are no host's.
	if n := len(all); n > 2 && network.Addr().Is4() {
		all = all[1:]
		if n < maxAddresses {
			all = all[:len(all)-1]
		}
	}
	return all, nil
}
