package session

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// Devices are asked evenly, nobody is closed, nobody new is let in meanwhile;
// ended half-way, the others stay and new ones may come.
func TestEvacuate(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		const n = 100
		var mu sync.Mutex
		asked, alive := 0, 0
		var devices []*device
		for i := range n {
			d := e.connect(func(h *wirepb.Hello) { h.Token = testToken(fmt.Sprint("d", i), time.Hour) })
			devices = append(devices, d)
		}
		for _, d := range devices {
			go func() {
				for {
					f, err := d.reader.Next()
					if err != nil {
						return
					}
					mu.Lock()
					switch f.(type) {
					case *wire.GoAway:
						asked++
					case *wire.Pong:
						alive++
					}
					mu.Unlock()
				}
			}()
		}
		ctx, cancel := context.WithCancel(context.Background())
		returned := make(chan int, 1)
		go func() { returned <- e.srv.Evacuate(ctx, time.Minute) }()
		time.Sleep(30 * time.Second)
		e.refused(testToken("late", time.Hour), wire.CloseBusy)
		cancel()
		counted := <-returned
		time.Sleep(time.Minute)
		mu.Lock()
		if asked != counted || asked < n*4/10 || asked > n*6/10 {
			t.Errorf("%d devices were asked and %d counted, want about half of %d", asked, counted, n)
		}
		mu.Unlock()
		for _, d := range devices {
			d.send(&wire.Ping{})
		}
		synctest.Wait()
		mu.Lock()
		if alive != n {
			t.Errorf("%d of %d sessions live", alive, n)
		}
		mu.Unlock()
		e.connect(func(h *wirepb.Hello) { h.Token = testToken("late", time.Hour) })
		if e.counter("refused_total", "island") != 1 {
			t.Error("the refusal was not counted")
		}
	})
}
