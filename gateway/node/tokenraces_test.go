package node

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/push/pushtest"
)

// Devices register again, the same token or another one, while the answer that
// their token is gone is on its way, by edges whose clocks are up to 20 minutes
// wrong, with two push workers that see the same devices: no token that is in
// use is lost, and those that are gone are removed.
func TestNoTokenIsLostToARace(t *testing.T) {
	b := startTokenBench(t, 2, time.Minute)
	b.transit.Store(int64(20 * time.Millisecond))
	n := tokenScale(120, 3000)
	// Others are reached all the time, three times as many as are gone.
	for i := range 3 * n {
		b.register(tokenDevice("well", i), hexToken("a", i), time.Now())
		b.push(tokenDevice("well", i), 1, i)
	}
	var wg, pump sync.WaitGroup
	done := make(chan struct{})
	pump.Go(func() {
		for v := int64(2); ; v++ {
			select {
			case <-done:
				return
			default:
				b.push(tokenDevice("well", int(v)%(3*n)), v, int(v)).wait(t)
			}
		}
	})
	lost := make(chan string, 2*n)
	for i := range n {
		id, token := tokenDevice("phone", i), hexToken("b", i)
		now := time.Now()
		skew := []time.Duration{0, -20 * time.Minute, 20 * time.Minute, -time.Second, time.Second}[i%5]
		b.register(id, token, now.Add(skew-time.Hour))
		b.sim.Unregister(token, now)
		wg.Go(func() {
			first := b.push(id, 1, i)
			time.Sleep(rand.N(3 * confirmSoon))
			switch i % 3 {
			case 0: // it is gone for good
				first.wait(t)
				if b.has(id, token) {
					lost <- fmt.Sprintf("%s: its dead token stayed", id)
				}
				return
			case 1: // another token
				token = hexToken("c", i)
			default: // the same one: Apple hears of it first
				b.sim.ForgetToken(token)
			}
			time.Sleep(rand.N(5 * time.Millisecond))
			b.register(id, token, time.Now().Add(skew))
			first.wait(t)
			if !b.has(id, token) {
				lost <- fmt.Sprintf("%s: case %d, clock off by %v", id, i%3, skew)
				return
			}
			b.push(id, 2, i+1).wait(t)
			if !slices.ContainsFunc(b.sim.Received(), func(n pushtest.Notification) bool { return n.Token == token }) {
				lost <- fmt.Sprintf("%s: not reached", id)
			}
		})
		if i%24 == 23 {
			wg.Wait()
		}
	}
	wg.Wait()
	close(done)
	pump.Wait()
	close(lost)
	for what := range lost {
		t.Error("lost: ", what)
	}
	t.Logf("%d devices, %d tokens removed", n, b.told.Load())
}

// All tokens of an application look bad at once: the key of the sandbox meets
// tokens of production, a wrong topic, a push service that has lost its mind.
// Before a push arrived anywhere, and in the midst of healthy traffic. No token
// goes, and once the fault is mended every device is pushed.
func TestNoTokenIsLostToAStorm(t *testing.T) {
	for _, c := range []struct {
		name  string
		reply pushtest.Reply
		well  bool // pushes arrived before
	}{
		{"BadDeviceToken from the start", pushtest.Reply{Status: http.StatusBadRequest, Reason: "BadDeviceToken"}, false},
		{"BadDeviceToken of a sudden", pushtest.Reply{Status: http.StatusBadRequest, Reason: "BadDeviceToken"}, true},
		{"DeviceTokenNotForTopic of a sudden", pushtest.Reply{Status: http.StatusBadRequest, Reason: "DeviceTokenNotForTopic"}, true},
		{"Unregistered of a sudden", pushtest.Reply{Status: http.StatusGone, Reason: "Unregistered", Timestamp: time.Now().Add(-time.Hour)}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := tokenScale(150, 10_000)
			b := startTokenBench(t, 2, 4*confirmSoon)
			each := func(version int64) []*tokenJob {
				jobs := make([]*tokenJob, n)
				for i := range n {
					jobs[i] = b.push(tokenDevice("phone", i), version, i)
				}
				return jobs
			}
			b.registerAll(n)
			if c.well {
				for _, j := range each(1) {
					j.wait(t)
				}
			}
			for i := range n {
				b.sim.AnswerToken(hexToken("d", i), c.reply)
			}
			jobs := append(each(2), each(3)...)
			b.until("every device was refused", func() bool { return b.refusals() >= n })
			time.Sleep(6 * confirmSoon) // longer than a suspect is looked at
			before := b.refusals()
			b.until("every device was refused again", func() bool { return b.refusals() >= before+2*n })
			for i := range n {
				b.sim.ForgetToken(hexToken("d", i))
			}
			for _, j := range jobs {
				j.wait(t)
			}
			for _, j := range each(4) {
				j.wait(t)
			}
			for i := range n {
				if !b.has(tokenDevice("phone", i), hexToken("d", i)) {
					t.Errorf("the token of device %d is lost", i)
				}
			}
			reached := map[string]bool{}
			for _, got := range b.sim.Received() {
				reached[got.Token] = true
			}
			if len(reached) != n || b.told.Load() != 0 {
				t.Errorf("%d of %d devices were reached, backends were told of %d tokens", len(reached), n, b.told.Load())
			}
			t.Logf("%d devices, %d pushes given up", n, b.dead.Load())
		})
	}
}

func (b *tokenBench) registerAll(n int) {
	var wg sync.WaitGroup
	for worker := range 32 {
		wg.Go(func() {
			for i := worker; i < n; i += 32 {
				b.register(tokenDevice("phone", i), hexToken("d", i), time.Now().Add(-24*time.Hour))
			}
		})
	}
	wg.Wait()
}

// refusals is how many requests the simulator did not accept.
func (b *tokenBench) refusals() int { return len(b.sim.Requests()) - len(b.sim.Received()) }

func (b *tokenBench) until(what string, held func() bool) {
	b.t.Helper()
	for end := time.Now().Add(tokenPatience()); !held(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("never: %s", what)
		}
	}
}
