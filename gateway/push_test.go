package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/node"
	"github.com/hawser-edge/hawser/gateway/node/devmode"
)

// pushCommands tries the commands of push beside a dev where the phone of bob is
// registered and away.
func pushCommands(t *testing.T, dir string) {
	push := func(want exit, args ...string) string {
		t.Helper()
		got := cli(t, nil, append([]string{"push", args[0], "--dev", dir}, args[1:]...)...)
		if got.code != want {
			t.Fatalf("push %s: %+v, want code %d", strings.Join(args, " "), got, want)
		}
		return got.stdout
	}
	if got := push(exitOK, "explain", "--user", "bob", "--device", "phone"); !strings.Contains(got, "The device has a push token of the app") || !strings.Contains(got, "No push waits.") {
		t.Errorf("explain: %s", got)
	}
	if got := push(exitOK, "explain", "--user", "nobody", "--device", "phone"); !strings.Contains(got, "No such device is registered") {
		t.Errorf("explain: %s", got)
	}
	if got := cli(t, nil, "push", "explain", "--dev", dir, "--tenant", "dmeo", "--user", "bob", "--device", "phone"); got.code != exitUsage || !strings.Contains(got.stderr, `--tenant "dmeo" is unknown`) {
		t.Errorf("explain of an unknown tenant: %+v", got)
	}

	// Its push grows too old while events are gathered.
	phone, leave := context.WithCancel(t.Context())
	seen := &screen{}
	var running sync.WaitGroup
	running.Go(func() {
		run(phone, &console{stdout: seen, stderr: io.Discard, self: "hawser"}, []string{"connect", "--dev", dir, "--user", "carol", "--device", "phone",
			"--platform", "ios", "--app", devmode.IOSApp, "--push-token", strings.Repeat("cd", 32)})
	})
	seen.wait(t, "connected")
	waitToken(t, dir, "carol")
	leave()
	running.Wait()
	if got := cli(t, nil, "notify", "--dev", dir, "--user", "carol", "--push-title", "secret words", "--push-ttl", "1s"); got.code != exitOK {
		t.Fatalf("notify: %+v", got)
	}
	dead := waitDead(t, push)
	if dead.Reason == "" || dead.User != "carol" || dead.App != devmode.IOSApp || dead.Failures != 1 {
		t.Errorf("given up: %+v", dead)
	}
	if got := push(exitOK, "explain", "--user", "carol", "--device", "phone"); !strings.Contains(got, "was given up") || !strings.Contains(got, "push requeue --id "+dead.ID) {
		t.Errorf("explain: %s", got)
	}
	if got := push(exitOK, "list"); !strings.Contains(got, dead.Reason) || strings.Contains(got, "secret words") {
		t.Errorf("list: %s", got)
	}
	if got := push(exitOK, "requeue", "--reason", "no such reason"); got != "0 requeued, 0 released\n" {
		t.Errorf("requeue: %s", got)
	}
	if got := push(exitOK, "requeue", "--id", dead.ID); got != "1 requeued, 0 released\n" {
		t.Errorf("requeue: %s", got)
	}
	if got := push(exitOK, "requeue", "--id", dead.ID); got != "0 requeued, 0 released\n" {
		t.Errorf("requeue for the second time: %s", got)
	}

	if got := push(exitOK, "test", "--app", devmode.IOSApp); !strings.Contains(got, "works.") {
		t.Errorf("test: %s", got)
	}
	push(exitUsage, "test", "--app", "com.example.stranger")
	pushKeyRefused(t, dir)
	pushServiceAway(t, dir)
	token := strings.Repeat("ab", 32)
	got := cliWith(t.Context(), t, nil, token+"\n", "push", "test", "--dev", dir, "--app", devmode.IOSApp, "--token-file", "-", "--json")
	if got.code != exitOK || !strings.Contains(got.stdout, `"schema":"hawser.push_test/1"`) || !strings.Contains(got.stdout, `"sent":true`) || strings.Contains(got.stdout+got.stderr, token) {
		t.Errorf("test: %+v", got)
	}
}

// pushKeyRefused tries a key under another one's id: the operator reads what is
// wrong, and what to do about it.
func pushKeyRefused(t *testing.T, dir string) {
	t.Helper()
	file := devConfigWith(t, dir, "refused.yaml", `key_id: [^,]+`, `key_id: OTHERKEY01`)
	got := cli(t, nil, "push", "test", "--config", file, "--app", devmode.IOSApp)
	if got.code != exitFailed || !strings.Contains(got.stdout, "is refused. (InvalidProviderToken)") || !strings.Contains(got.stdout, "OTHERKEY01") ||
		!strings.Contains(got.stdout, "Compare team_id") {
		t.Errorf("a refused key: %+v", got)
	}
}

// pushServiceAway tries the credential of an application whose push service
// nobody answers for: the operator sees which address that was, and why.
func pushServiceAway(t *testing.T, dir string) {
	t.Helper()
	file := devConfigWith(t, dir, "away.yaml", `endpoint: "[^"]+"`, `endpoint: "https://127.0.0.1:1"`)
	for _, app := range []string{devmode.IOSApp, devmode.AndroidApp} {
		got := cli(t, nil, "push", "test", "--config", file, "--app", app)
		if got.code != exitUnreachable || !strings.Contains(got.stdout, "could not be tried") || !strings.Contains(got.stderr, "127.0.0.1:1: connect: connection refused") {
			t.Errorf("the push service of %s is away: %+v", app, got)
		}
	}
}

// devConfigWith writes the configuration of a dev anew, changed where a pattern
// fits, and returns the new file.
func devConfigWith(t *testing.T, dir, name, pattern, change string) string {
	t.Helper()
	dev, err := config.LoadDevState(dir)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(dev.ConfigFile)
	if err != nil {
		t.Fatal(err)
	}
	changed := regexp.MustCompile(pattern).ReplaceAll(text, []byte(change))
	if string(changed) == string(text) {
		t.Fatalf("nothing in %s fits %s", dev.ConfigFile, pattern)
	}
	file := filepath.Join(filepath.Dir(dev.ConfigFile), name)
	if err := os.WriteFile(file, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// waitToken waits until the push token of a user's phone is stored: that goes on
// after the phone is told that it is connected.
func waitToken(t *testing.T, dir, user string) {
	t.Helper()
	var got result
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if got = cli(t, nil, "push", "explain", "--dev", dir, "--user", user, "--device", "phone"); strings.Contains(got.stdout, "The device has a push token") {
			return
		}
	}
	t.Fatalf("the phone of %s is not registered: %+v", user, got)
}

// waitDead returns the one push that was given up.
func waitDead(t *testing.T, push func(exit, ...string) string) pushRow {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		var r pushListResult
		if err := json.Unmarshal([]byte(push(exitOK, "list", "--json")), &r); err != nil || r.Schema != "hawser.push_list/1" {
			t.Fatalf("%+v: %v", r, err)
		}
		if len(r.Dead) == 1 {
			return r.Dead[0]
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("no push was given up: %s", push(exitOK, "list"))
	return pushRow{}
}

func TestPushUsage(t *testing.T) {
	for _, args := range [][]string{
		{}, {"lst"}, {"explain", "--user", "u"}, {"requeue"}, {"requeue", "--all", "--app", "a"}, {"requeue", "--held", "--id", "4"}, {"test"},
		{"test", "--app", "a", "--token-file", "/no/such/file"},
	} {
		if got := cli(t, nil, append([]string{"push"}, args...)...); got.code != exitUsage {
			t.Errorf("push %v: %+v", args, got)
		}
	}
	if got := cli(t, nil, "push", "list", "--config", "/no/such/file"); got.code != exitFailed {
		t.Errorf("%+v", got)
	}
}

func TestExplainPushes(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	at := now.UnixMilli()
	got := strings.Join(explainPushes(
		node.PushDevice{Found: true, HasToken: true, Platform: "ios", App: "com.example.app"},
		pushListResult{
			Waiting: []pushRow{
				{Kind: "messages", Version: "7", Urgency: "NORMAL", SinceMs: at - 60_000, Hold: "paused", App: "com.example.app", Reason: "InvalidProviderToken"},
				{Kind: "moments", Version: "8", Urgency: "NORMAL", SinceMs: at - 60_000, Hold: "quiet_hours", NotBeforeMs: at + 90_000},
				{Kind: "calls", Version: "2", Urgency: "HIGH", SinceMs: at - 1000, Failures: 2, Reason: "TooManyRequests"},
				{Kind: "contacts", Version: "3", Urgency: "NORMAL", SinceMs: at - 1000, Failures: 1},
			},
			Dead: []pushRow{{ID: "12", Kind: "moments", Version: "9", DeadMs: at - 3_600_000, Failures: 3, Reason: "PayloadTooLarge"}},
		}, now), "\n")
	want := `The device's app is "com.example.app" on ios, for which push.apps of this configuration has no provider: its pushes wait.
A push of messages 7 (NORMAL) waits for news of 1m0s ago, and is made once the app "com.example.app" goes on: the application is paused (InvalidProviderToken).
A push of moments 8 (NORMAL) waits for news of 1m0s ago, and is not made before 2023-11-14T22:14:50Z, in 1m30s: these are the kind's quiet hours.
A push of calls 2 (HIGH) waits for news of 1s ago: it is due, and a push worker has it or will (TooManyRequests). So far: 2 failed attempts.
A push of contacts 3 (NORMAL) waits for news of 1s ago: it is due, and a push worker has it or will. So far: one failed attempt.
The push of moments 9 was given up 1h0m0s ago, after 3 failed attempts: PayloadTooLarge. To have it made after all: push requeue --id 12`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Where a push does not go though its application is configured, the next step is
// named.
func TestExplainPushesThatDoNotGo(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	for _, c := range []struct {
		row   pushRow
		names bool
	}{
		{pushRow{Hold: "paused", App: "com.example.app"}, true},
		{pushRow{Hold: "paused", App: "another, of before"}, false},
		{pushRow{SinceMs: now.UnixMilli() - 20_000}, true},
		{pushRow{SinceMs: now.UnixMilli() - 2_000}, false},
		{pushRow{Hold: "quiet_hours", NotBeforeMs: now.UnixMilli() + 1000}, false},
	} {
		got := explainPushes(
			node.PushDevice{Found: true, HasToken: true, Configured: true, Platform: "ios", App: "com.example.app"},
			pushListResult{Waiting: []pushRow{c.row}}, now)
		if last := got[len(got)-1]; strings.Contains(last, "push test --app com.example.app") != c.names {
			t.Errorf("%+v: the last sentence is %q", c.row, last)
		}
	}
}
