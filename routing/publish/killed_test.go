package publish_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/inbox"
	"github.com/hawser-edge/hawser/routing/publish"
)

// serverEnv has the options of the server that a process of this test is.
const serverEnv = "HAWSER_PUBLISH_TEST_SERVER"

// A server that is killed hands nothing over, unlike one that is stopped: the
// others elect a leader after 4 to 9 s. Publishers do not notice, and each
// event is stored once, with the backend's id or without. What the killed one
// stored and did not answer is stored already when it is tried again: with the
// backend's id that is no different from a repeat, and told as one. A caller that
// waits for less is told to repeat with the same id, and that stores it once, too.
func TestLeaderKilled(t *testing.T) {
	if os.Getenv("HAWSER_FAULTS") != "1" {
		t.Skip("runs three server processes and waits for an election: set HAWSER_FAULTS=1 to have it")
	}
	r, kill := processes(t)
	hurried := publish.New(publish.Config{JS: r.js, Reader: r.reader, Catalog: catalog(t), MaxWait: time.Second, Log: slog.New(slog.DiscardHandler)})

	const publishers, each = 20, 60
	var mu sync.Mutex
	seen, longest := map[int64]bool{}, time.Duration(0)
	var wg sync.WaitGroup
	for p := range publishers {
		wg.Go(func() {
			for i := range each {
				req := publish.Request{User: fmt.Sprintf("u%d", p), Kind: "messages"}
				if p%2 == 0 {
					req.ID = fmt.Sprint(i)
				}
				begin := time.Now()
				res, err := r.svc.Publish(t.Context(), "acme", req)
				mu.Lock()
				if err != nil || res.Duplicate && req.ID == "" || seen[res.Version] {
					t.Errorf("publisher %d, event %d: %+v, %v", p, i, res, err)
				}
				seen[res.Version], longest = true, max(longest, time.Since(begin))
				mu.Unlock()
				time.Sleep(50 * time.Millisecond)
			}
		})
	}
	time.Sleep(500 * time.Millisecond)
	kill()
	refused := untilStored(t, hurried)
	wg.Wait()
	t.Logf("longest publish %v; the hurried caller was refused %d times", longest, refused)
	if refused == 0 {
		t.Error("the election was not noticed: nothing was shown")
	}
	s, err := r.js.Stream(t.Context(), routing.StreamInbox)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.CachedInfo().State.LastSeq-s.CachedInfo().State.FirstSeq+1, uint64(publishers*each+1); got != want {
		t.Errorf("%d stored, want %d", got, want)
	}
}

// untilStored publishes one event as a backend does that does as it is told.
func untilStored(t *testing.T, svc *publish.Service) (refused int) {
	t.Helper()
	for ctx := t.Context(); ; refused++ {
		_, err := svc.Publish(ctx, "acme", publish.Request{User: "hurried", Kind: "messages", ID: "one"})
		if err == nil {
			return refused
		}
		fault := publish.AsError(err)
		if fault.Code != connect.CodeUnavailable || fault.RetryAfter <= 0 {
			t.Fatalf("refused with %+v", fault)
		}
		time.Sleep(fault.RetryAfter)
	}
}

// processes starts three servers, and returns what kills the log's leader.
func processes(t *testing.T) (*rig, func()) {
	t.Helper()
	addrs, release, err := embednats.FreeAddrs(6)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = release.Close() })
	port := func(addr string) int { return int(netip.MustParseAddrPort(addr).Port()) }
	servers, peers := addrs[:3], addrs[3:]
	urls, commands := "", map[string]*exec.Cmd{}
	for i := range 3 {
		name := fmt.Sprintf("n%d", i)
		commands[name] = process(t, embednats.Options{
			Name: name, Dir: t.TempDir(), Port: port(servers[i]), Cluster: &embednats.Cluster{Port: port(peers[i]), Peers: peers},
			Users: []routing.User{{Role: routing.RoleRouter, Label: "r1", Password: natstest.Password}},
		})
		urls += ",nats://" + servers[i]
	}
	r := clustered(t, urls[1:])
	return r, func() {
		var leader *exec.Cmd
		for leader == nil { // there may be an election going on
			s, err := r.js.Stream(t.Context(), routing.StreamInbox)
			if err != nil {
				t.Fatal(err)
			}
			leader = commands[s.CachedInfo().Cluster.Leader]
		}
		if err := leader.Process.Kill(); err != nil {
			t.Fatal(err)
		}
	}
}

// process runs a server in a process of its own: this test, see TestServerProcess.
func process(t *testing.T, o embednats.Options) *exec.Cmd {
	t.Helper()
	options, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestServerProcess$")
	cmd.Env = append(os.Environ(), serverEnv+"="+string(options))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

// TestServerProcess is the server of a process that process started.
func TestServerProcess(t *testing.T) {
	if os.Getenv(serverEnv) == "" {
		t.Skip("is what TestLeaderKilled runs in other processes")
	}
	var o embednats.Options
	if err := json.Unmarshal([]byte(os.Getenv(serverEnv)), &o); err != nil {
		t.Fatal(err)
	}
	if _, err := embednats.Start(o); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Minute) // its parent kills it before
}

// clustered is a service on a cluster with three replicas of each stream. Its
// callers may wait for a minute: among servers that seldom get a processor an
// election takes longer than the 15 s of the default.
func clustered(t *testing.T, urls string) *rig {
	t.Helper()
	r := &rig{}
	var err error
	r.nc, err = nats.Connect(urls, nats.UserInfo("router-r1", natstest.Password), nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true),
		nats.ReconnectWait(20*time.Millisecond), nats.CustomInboxPrefix(routing.InboxPrefix(routing.RoleRouter, "r1")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.nc.Close)
	if r.js, err = jetstream.New(r.nc); err != nil {
		t.Fatal(err)
	}
	o := routing.StreamOptions{Replicas: 3, Keep: 1000, InboxMaxBytes: 64 << 20, PushMaxBytes: 64 << 20, EventsMaxBytes: 64 << 20, DevicesMaxBytes: 64 << 20}
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		// What servers are asked before they have a leader they never answer.
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		err = routing.EnsureStreams(ctx, r.js, o)
		cancel()
		if err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	if r.reader, err = inbox.NewReader(inbox.Config{Conns: []*nats.Conn{r.nc}, Catalog: catalog(t)}); err != nil {
		t.Fatal(err)
	}
	r.svc = publish.New(publish.Config{JS: r.js, Reader: r.reader, Catalog: catalog(t), MaxWait: time.Minute, Log: slog.New(slog.DiscardHandler)})
	return r
}
