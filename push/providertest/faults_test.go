package providertest_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/apns"
	"github.com/hawser-edge/hawser/push/providertest"
	"github.com/hawser-edge/hawser/push/pushtest"
)

// faultPushes is how many pushes are under way in a fault; each is repeated
// like a job until it is delivered.
const faultPushes = 60

// faultWorld is an application at a simulator of APNs.
func faultWorld(t *testing.T, opts pushtest.APNsOptions) (*apns.App, *pushtest.APNs) {
	t.Helper()
	sim := providertest.Simulator(t, pushtest.NewAPNs, opts)
	pool := apns.NewPool(slog.New(slog.DiscardHandler))
	t.Cleanup(pool.Close)
	app, err := pool.App(apns.Config{
		TeamID: sim.TeamID(), KeyID: sim.KeyID(), Key: sim.Key(), Topic: bundle, Endpoint: sim.URL(), RootCAs: sim.RootCAs(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return app, sim
}

// send makes one attempt at the push of a number.
func send(t *testing.T, app *apns.App, number int) push.Result {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return app.Send(ctx, numbered(number))
}

// numbered is the push of a number, the same each time.
func numbered(number int) push.Message {
	return push.Message{
		App: bundle, Token: fmt.Sprintf("%08x", number), ID: uuid.NewSHA1(uuid.Nil, fmt.Append(nil, number)),
		Collapse: "messages", Content: push.Content{Title: "New message"}, Urgency: push.Normal,
		Hawser: push.Hawser{V: 1, User: "u", Kind: "messages", Version: "1"}, Expiry: time.Now().Add(time.Hour),
	}
}

// sendAll sends all pushes at once and repeats those that are to be repeated. It
// returns how many attempts that took.
func sendAll(t *testing.T, app *apns.App) int {
	t.Helper()
	var all sync.WaitGroup
	attempts := make([]int, faultPushes)
	for i := range faultPushes {
		all.Go(func() {
			for range 50 {
				attempts[i]++
				switch r := send(t, app, i); r.Verdict {
				case push.Delivered:
					return
				case push.RetryAfter:
					time.Sleep(10 * time.Millisecond)
				default:
					t.Errorf("push %d: %+v", i, r)
					return
				}
			}
			t.Errorf("push %d was not delivered in %d attempts", i, attempts[i])
		})
	}
	all.Wait()
	sum := 0
	for _, n := range attempts {
		sum += n
	}
	return sum
}

// warm sends every push twice, so that the tokens count as good ones and their
// connection is open for many.
func warm(t *testing.T, app *apns.App, sim *pushtest.APNs) {
	t.Helper()
	sendAll(t, app)
	sendAll(t, app)
	sim.Reset()
}

// taken counts how often each push was taken.
func taken(sim *pushtest.APNs) (once, twice int) {
	count := map[string]int{}
	for _, n := range sim.Received() {
		count[n.ID]++
	}
	for _, n := range count {
		if n == 1 {
			once++
		} else {
			twice++
		}
	}
	return once, twice
}

// Streams that Apple refused, reset before it took the push, or left above the
// last one of its farewell, are sent again; none is taken twice.
func TestWhatWasNotTakenIsSentOnce(t *testing.T) {
	for _, b := range []pushtest.Break{pushtest.Refused, pushtest.ResetBefore, pushtest.AwayBefore, pushtest.CutBefore} {
		t.Run(b.String(), func(t *testing.T) {
			app, sim := faultWorld(t, pushtest.APNsOptions{})
			warm(t, app, sim)
			sim.SetPace(pushtest.Pace{Accept: func() time.Duration { return 20 * time.Millisecond }})
			for range 5 {
				sim.Answer(pushtest.Reply{Break: b}, pushtest.Reply{}, pushtest.Reply{})
			}
			sendAll(t, app)
			once, twice := taken(sim)
			if b == pushtest.CutBefore { // others of the connection had been taken
				once, twice = once+twice, 0
			}
			if once != faultPushes || twice != 0 {
				t.Errorf("%d pushes taken once, %d twice", once, twice)
			}
			if seen := sim.Seen(""); seen.Duplicates() != 0 {
				t.Errorf("users saw %+v", seen)
			}
		})
	}
}

// A farewell with requests under way costs none of them: they are answered, and
// the next ones take another connection.
func TestFarewellCostsNoPush(t *testing.T) {
	app, sim := faultWorld(t, pushtest.APNsOptions{})
	warm(t, app, sim)
	sim.SetPace(pushtest.Pace{Accept: func() time.Duration { return 300 * time.Millisecond }})
	before := sim.Connections()
	var sending sync.WaitGroup
	sending.Go(func() { sendAll(t, app) })
	for sim.Load().InFlight < faultPushes/2 && sim.Count() == 0 {
		time.Sleep(time.Millisecond)
	}
	sim.GoAway()
	sending.Wait()
	if once, twice := taken(sim); once != faultPushes || twice != 0 {
		t.Errorf("%d pushes taken once, %d twice", once, twice)
	}
	if n := sim.Connections() - before; n > 2 {
		t.Errorf("%d more connections", n)
	}
}

// A push that was taken before its stream broke is taken again, under the same
// id: its device shows it once.
func TestWhatWasTakenIsShownOnce(t *testing.T) {
	for _, b := range []pushtest.Break{pushtest.ResetAfter, pushtest.CutAfter} {
		t.Run(b.String(), func(t *testing.T) {
			app, sim := faultWorld(t, pushtest.APNsOptions{})
			warm(t, app, sim)
			for range 5 {
				sim.Answer(pushtest.Reply{Break: b}, pushtest.Reply{}, pushtest.Reply{})
			}
			sendAll(t, app)
			seen := sim.Seen("")
			if once, twice := taken(sim); once+twice != faultPushes || twice == 0 || seen.Replaced < twice {
				t.Errorf("%d pushes taken once, %d twice; seen %+v", once, twice, seen)
			}
			if seen.Duplicates() != 0 || seen.Backwards != 0 {
				t.Errorf("users saw %+v", seen)
			}
		})
	}
}

// Bad tokens shrink the connection that they go over to one stream. Tokens that
// were good before do not go over it, and nobody runs into the limit for long.
func TestBadTokensDoNotStopGoodOnes(t *testing.T) {
	app, sim := faultWorld(t, pushtest.APNsOptions{ShrinkAfter: 2})
	warm(t, app, sim)
	for i := range 20 {
		sim.AnswerToken(fmt.Sprintf("%08x", 1000+i), pushtest.Reply{Status: 400, Reason: "BadDeviceToken"})
	}
	before := int64(len(sim.Requests()))
	var bad sync.WaitGroup
	for i := range 20 {
		bad.Go(func() { send(t, app, 1000+i) })
	}
	attempts := sendAll(t, app)
	bad.Wait()
	carried := map[int64]int{} // refused tokens by connection
	later := sim.RequestsAfter(before, 1000)
	for _, r := range later {
		if r.Reason == "BadDeviceToken" {
			carried[r.Connection]++
		}
	}
	for _, r := range later {
		if r.Status == 200 && carried[r.Connection] > 0 {
			t.Fatalf("a good push went over the connection of %d bad ones", carried[r.Connection])
		}
	}
	if once, twice := taken(sim); once != faultPushes || twice != 0 || attempts != faultPushes {
		t.Errorf("%d pushes taken once, %d twice, in %d attempts", once, twice, attempts)
	}
	if n := sim.Overran(); n > 20 {
		t.Errorf("%d requests above a limit", n)
	}
}
