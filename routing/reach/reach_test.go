package reach_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/reach"
)

// A connection leaves a server that is cut off from the two others, and stays
// where it comes to.
func TestLeavesAServerThatIsCutOff(t *testing.T) {
	t.Parallel()
	joined := natstest.RunCluster(t, 2)
	alone := natstest.Run(t)
	w := watch(t, alone, joined[0], joined[1])
	within(t, "the server that is cut off is left", func() bool {
		url := w.conn.ConnectedUrl()
		return url == joined[0].URL() || url == joined[1].URL()
	})
	at := w.conn.ConnectedUrl()
	w.beats(t, 6)
	w.told(t, alone)
	if w.conn.ConnectedUrl() != at || w.moves.Load() != 1 {
		t.Errorf("the connection moved %d times, from %s to %s", w.moves.Load(), at, w.conn.ConnectedUrl())
	}
}

// Where it is another server that is cut off, the connection stays.
func TestStaysWhereTheMajorityIs(t *testing.T) {
	t.Parallel()
	joined := natstest.RunCluster(t, 2)
	alone := natstest.Run(t)
	w := watch(t, joined[0], joined[1], alone)
	w.beats(t, 6)
	w.told(t, alone)
	if url := w.conn.ConnectedUrl(); url != joined[0].URL() || w.moves.Load() != 0 {
		t.Errorf("the connection moved %d times, to %s", w.moves.Load(), url)
	}
}

// Of two servers that do not hear one another nobody knows which is to be left.
func TestStaysWhereTwoDoNotHearOneAnother(t *testing.T) {
	t.Parallel()
	here, there := natstest.Run(t), natstest.Run(t)
	w := watch(t, here, there)
	w.beats(t, 6)
	w.told(t, nil)
	if url := w.conn.ConnectedUrl(); url != here.URL() || w.moves.Load() != 0 {
		t.Errorf("the connection moved %d times, to %s", w.moves.Load(), url)
	}
}

// watched is a connection to the first of the servers that beats, watched over
// connections to all of them.
type watched struct {
	conn  *nats.Conn
	heard atomic.Int64 // beats that came back over the connection
	moves atomic.Int64
	// cutOff are the servers that it was told are cut off.
	cutOff sync.Map
}

// told checks that of that server alone, nil: of none, was said that it is cut
// off.
func (w *watched) told(t *testing.T, s *natstest.Server) {
	t.Helper()
	w.cutOff.Range(func(url, _ any) bool {
		if s == nil || url != s.URL() {
			t.Errorf("%s is said to be cut off", url)
		}
		return true
	})
	if s == nil {
		return
	}
	within(t, "it is told that the server is cut off", func() bool {
		_, ok := w.cutOff.Load(s.URL())
		return ok
	})
}

func watch(t *testing.T, servers ...*natstest.Server) *watched {
	t.Helper()
	w := &watched{}
	var urls []string
	for _, s := range servers {
		urls = append(urls, s.URL())
	}
	opts := append(routing.ConnectOptions(routing.RoleRouter, "r1"), nats.DontRandomize(), nats.IgnoreDiscoveredServers())
	connect := func(urls ...string) *nats.Conn {
		nc, err := nats.Connect(strings.Join(urls, ","), opts...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		return nc
	}
	w.conn = connect(urls...)
	var others []*nats.Conn
	for _, url := range urls {
		others = append(others, connect(url))
	}
	subject := routing.BeatSubject("r1")
	if _, err := w.conn.Subscribe(subject, func(*nats.Msg) { w.heard.Add(1) }); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	t.Cleanup(func() { cancel(); <-done; <-done })
	watch := reach.New(reach.Config{Conn: w.conn, Others: others, Subject: subject,
		Moved: func(string) { w.moves.Add(1) }, CutOff: func(nc *nats.Conn) { w.cutOff.Store(nc.ConnectedUrl(), true) }})
	go func() {
		defer func() { done <- struct{}{} }()
		if err := watch.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	go func() {
		defer func() { done <- struct{}{} }()
		for ctx.Err() == nil {
			_ = w.conn.Publish(subject, nil) // one that is lost is followed by others
			time.Sleep(time.Second)
		}
	}()
	return w
}

// beats waits until the connection has handed out n more.
func (w *watched) beats(t *testing.T, n int64) {
	t.Helper()
	enough := w.heard.Load() + n
	within(t, "the connection beats", func() bool { return w.heard.Load() >= enough })
}

func within(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("not within a minute: %s", what)
}
