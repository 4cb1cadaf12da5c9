package milliontest

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// Many sessions at once: what they cost, at rest and with a beat of each every
// four minutes.
func TestMillion(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("HAWSER_MILLION"))
	if err != nil {
		t.Skip("takes gigabytes and minutes: set HAWSER_MILLION to a number of sessions to have it")
	}
	debug.SetGCPercent(25) // as an edge at rest
	e := newEdge(t, n)
	before := measure()
	began := time.Now()
	e.connect(n)
	t.Logf("%d sessions in %v", n, time.Since(began).Round(time.Millisecond))
	e.told(t)
	after := measure()
	t.Logf("live: %d bytes a session in %.1f objects; %s", (after.heap-before.heap)/int64(n), float64(after.objects-before.objects)/float64(n), largest(n))
	for range 3 {
		t.Log("a collection: ", collect())
	}

	ping := wire.Append(nil, &wire.Ping{})
	longest := e.newcomers(func() { time.Sleep(time.Second) })
	t.Logf("registering while nothing happens waits for up to %v", longest)
	for _, what := range []struct {
		name string
		do   func()
	}{{"a dump is made", e.dump}, {"a sweep begins", e.sweep}, {"NATS is back", e.resync}} {
		t.Logf("registering while %s waits for up to %v", what.name, e.newcomers(what.do))
	}

	const span, every = 4 * time.Minute, 4 * time.Minute
	steady := sample()
	e.beat(ping, time.Duration(float64(every)/float64(n)), span)
	t.Logf("%v of a beat every %v: %s", span, every, sample().since(steady, span))
	runtime.KeepAlive(e)
}

// connect makes the sessions.
func (e *edge) connect(n int) {
	var all sync.WaitGroup
	numbers := make(chan int, 1000)
	for range 2 * runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for i := range numbers {
				e.door.dial(i, e.under(), wire.Append(nil, &wire.Hello{Body: e.hello(i)}))
			}
		})
	}
	for i := range n {
		numbers <- i
	}
	close(numbers)
	all.Wait()
	for e.door.parked.Load() < int64(n) {
		time.Sleep(10 * time.Millisecond)
	}
}

func (e *edge) hello(i int) *wirepb.Hello {
	h := &wirepb.Hello{Token: e.token(fmt.Sprintf("user-%d", i)), Platform: wirepb.Platform_PLATFORM_ANDROID, App: "com.example.chat"}
	for k, kind := range kinds {
		h.Versions = append(h.Versions, &wirepb.KindVersion{Kind: kind, Version: 1_800_000_000_000_000 + int64(i+k)})
	}
	return h
}

// beat has one device after the other beat, for so long.
func (e *edge) beat(ping []byte, gap, span time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), span)
	defer cancel()
	began := time.Now()
	for i := 0; ctx.Err() == nil; i++ {
		if ahead := time.Duration(i)*gap - time.Since(began); ahead > time.Millisecond {
			time.Sleep(ahead)
		}
		e.door.conns[i%len(e.door.conns)].say(ping)
	}
}
