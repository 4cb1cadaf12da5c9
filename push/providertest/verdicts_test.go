package providertest_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/push/providertest"
	"github.com/hawser-edge/hawser/push/pushtest"
)

const verdictDoc = "../VERDICTS.md"

var writeVerdicts = flag.Bool("write-verdicts", false, "write "+verdictDoc+" anew")

// verdict is a row: an answer, and what must come of it. It is written out here
// and not taken from the code's own tables, so that a mistake there shows.
type verdict struct {
	// answer names it in the table; empty: the status and the reason.
	answer string
	reply  pushtest.Reply
	// once: only the first request is answered so.
	once bool
	// begin runs before anything, prepare before the push; the provider has then
	// sent once.
	begin, prepare func(world)

	// reached: pushes to the application's other devices arrive. twice: the push
	// comes a second time, which confirms what the first answer said of its token.
	reached, twice bool

	// token is "kept", or "removed" where the backend must hear of it.
	token string
	// job is "done", "dead <reason>" or "again": after the wait that is given
	// or a quarter more, or soon.
	job   string
	after time.Duration
	// app is "goes on" or "waits".
	app string
	// requests that the push cost; 0 stands for 1, -1 for none. moves: the next push goes over
	// another connection.
	requests int
	moves    bool
}

func (v verdict) name() string {
	if v.answer != "" {
		return v.answer
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", v.reply.Status, v.reply.Reason))
}

// world is one provider at a simulator with a worker before it.
type world struct {
	*providertest.Worker
	sim interface {
		AnswerToken(string, pushtest.Reply)
		Answer(...pushtest.Reply)
		Requests() []pushtest.Request
	}
	fcm *pushtest.FCM // the same, or nil
}

// registered is when the devices of the table got their tokens.
const registered = -time.Hour

// play sends one push to a device and returns what came of it, as a row. The
// number keeps the tokens of rows that share a simulator apart.
func (v verdict) play(t *testing.T, w world, number int) verdict {
	t.Helper()
	got := verdict{token: "kept", app: "waits"}
	token, another := fmt.Sprintf("aa%04x", number), fmt.Sprintf("bb%04x", number)
	if v.begin != nil {
		v.begin(w)
	}
	if v.prepare != nil {
		w.push(t, "first", "cc").Want(t, "done")
		v.prepare(w)
	}
	if v.once {
		w.sim.Answer(v.reply)
	} else if v.reply != (pushtest.Reply{}) {
		w.sim.AnswerToken(token, v.reply)
	}
	w.reach(t, v, number, 1)
	settled := w.push(t, "device", token).Wait(t)
	if v.twice {
		w.reach(t, v, number, 2)
		settled = w.Handle(t, "device", 1).Wait(t)
	}
	got.job, got.after = settled.How, settled.After
	if got.job == "retry" || got.job == "hold" {
		got.job = "again"
	}
	seen := w.requests(token)
	got.requests = len(seen)
	if !w.Registered("device") {
		got.token = "removed"
	}
	if told := len(w.Rejected()) == 1; told != (got.token == "removed") {
		t.Errorf("token %s, and the backend heard of it: %v", got.token, told)
	}
	if dead := strings.HasPrefix(got.job, "dead"); dead != (w.Dead() == 1) {
		t.Errorf("job %q, and the backend heard of %d dead pushes", got.job, w.Dead())
	}
	if w.goesOn(t, another) {
		got.app = "goes on"
		got.moves = len(seen) > 0 && w.requests(another)[0].Connection != seen[0].Connection
	}
	return got
}

// goesOn reports whether another device's push is made. On a machine that stands
// still it may take a second attempt, which an application that waits makes none of.
func (w world) goesOn(t *testing.T, token string) bool {
	t.Helper()
	for range 3 {
		if w.Waits(t) {
			return false
		}
		if w.push(t, "other", token).Wait(t).How == "done" {
			return true
		}
	}
	return false
}

// reach pushes to as many other devices as make the worker believe in its
// application, where the row wants that.
func (w world) reach(t *testing.T, v verdict, number int, version int64) {
	t.Helper()
	if !v.reached {
		return
	}
	for i := range 10 {
		device := fmt.Sprint("well", i)
		w.Register(device, fmt.Sprintf("ee%04x%02x", number, i), time.Now().Add(registered))
		w.Handle(t, device, version).Want(t, "done")
	}
}

// requests are those for a token.
func (w world) requests(token string) []pushtest.Request {
	return slices.DeleteFunc(w.sim.Requests(), func(r pushtest.Request) bool { return r.Token != token })
}

func (w world) push(t *testing.T, device, token string) providertest.Outcome {
	t.Helper()
	w.Register(device, token, time.Now().Add(registered))
	return w.Handle(t, device, 1)
}

// cost is how many requests the push must take.
func (v verdict) cost() int {
	switch v.requests {
	case 0:
		return 1
	case -1:
		return 0
	default:
		return v.requests
	}
}

// check compares what came with what must come.
func (v verdict) check(t *testing.T, got verdict) {
	t.Helper()
	if got.token != v.token || got.job != v.job || got.app != v.app || got.requests != v.cost() || got.moves != v.moves {
		t.Errorf("token %s, job %s, app %s, %d requests, moves %v;\nwant token %s, job %s, app %s, %d requests, moves %v",
			got.token, got.job, got.app, got.requests, got.moves, v.token, v.job, v.app, v.cost(), v.moves)
	}
	least, most := v.after, v.after*5/4+time.Second
	if v.reply.RetryDate {
		least -= time.Minute // for a machine that is slow to read the date
	}
	if v.after == 0 {
		most = 2 * time.Second
	}
	if got.after < least || got.after > most {
		t.Errorf("again after %v, want %v to %v", got.after, least, most)
	}
}

// line is the row of the printed table.
func (v verdict) line() string {
	job := v.job
	switch {
	case v.job == "again" && v.after == 0:
		job = "again soon"
	case v.job == "again":
		job = "again after " + strings.Replace(v.after.String(), "m0s", "m", 1)
	}
	if v.requests == 2 && !v.twice {
		job += ", at the second request"
	}
	token, app := v.token, v.app
	if token == "removed" {
		token = "removed once confirmed, backend told"
	}
	if v.moves {
		app += ", on another connection"
	}
	return fmt.Sprintf("| %s | %s | %s | %s |\n", v.name(), token, job, app)
}

const verdictHead = `# What becomes of an answer

Every status and reason of both providers, sent over the wire by their simulators to the real senders under the real worker: what becomes of the device's token, of the push and of the application's other pushes. Pushes that are given up (dead) are kept with their reason, and the backend is told; an application that waits raises an alert, and its pushes stay in the queue. A wait is the least one; up to a quarter is added at random. "Soon" is within two seconds, and grows with each failure. A token is removed only where pushes to the application's other devices arrive, and once a second answer confirmed the first. A test holds this table: ` +
	"`go test ./push/providertest -run TestVerdicts -write-verdicts`" + ` writes it anew.

`

const verdictColumns = "| answer | token | push | application |\n|---|---|---|---|\n"

func TestVerdicts(t *testing.T) {
	var page strings.Builder
	page.WriteString(verdictHead)
	table := func(t *testing.T, name string, rows []verdict, world func(*testing.T, time.Duration) world) {
		page.WriteString("## " + name + "\n\n" + verdictColumns)
		for i, v := range rows {
			t.Run(name+"/"+v.name(), func(t *testing.T) {
				attempt := time.Minute
				if v.unanswered() { // they wait together
					t.Parallel()
					attempt = 5 * time.Second
				}
				v.check(t, v.play(t, world(t, attempt), i))
			})
			page.WriteString(v.line())
		}
		page.WriteString("\n")
	}
	t.Run("over the wire", func(t *testing.T) {
		table(t, "APNs", apnsVerdicts(), apnsWorlds(t))
		table(t, "FCM", fcmVerdicts(), fcmWorlds(t))
	})
	text := strings.TrimSuffix(page.String(), "\n")
	t.Log("\n" + text)
	keepVerdicts(t, text)
}

// unanswered reports whether the push takes as long as an attempt may.
func (v verdict) unanswered() bool {
	return v.reply.Break == pushtest.SilentBefore || v.reply.Break == pushtest.SilentAfter
}

func keepVerdicts(t *testing.T, want string) {
	t.Helper()
	if *writeVerdicts {
		if err := os.WriteFile(verdictDoc, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(verdictDoc)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want {
		t.Errorf("%s is stale: go test ./push/providertest -run TestVerdicts -write-verdicts", verdictDoc)
	}
}
