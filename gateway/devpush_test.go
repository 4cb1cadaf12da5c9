package main

import (
	"strings"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/push/pushtest"
)

const devToken = "626f622f70686f6e65"

func devPush(status int, reason string) devmode.Push {
	return devmode.Push{Provider: "APNs", Request: pushtest.Request{
		Token: devToken, Status: status, Reason: reason, Title: "From \x1b[31malice", Body: "hello", Collapse: "messages",
		Hawser: []byte(`{"v":1,"user":"bob","kind":"messages","version":"12"}`),
		Ended:  time.Date(2026, 1, 2, 15, 4, 5, 0, time.Local),
	}}
}

func TestPushLine(t *testing.T) {
	silent := devPush(200, "")
	silent.Background, silent.Collapse = true, ""
	trial := devPush(403, "InvalidProviderToken")
	trial.Background, trial.Collapse, trial.Hawser = true, "", nil
	lost := devPush(0, "")
	lost.Accepted, lost.Broken = time.Now(), "client gone"
	for _, c := range []struct {
		push devmode.Push
		want string
	}{
		{devPush(200, ""), `  15:04:05.000  APNs  to bob  messages 12  "From \x1b[31malice" / "hello"  replaces "messages"`},
		{devPush(410, "Unregistered"), `  15:04:05.000  APNs  to bob  messages 12  "From \x1b[31malice" / "hello"  replaces "messages"  refused: 410 Unregistered`},
		{silent, `  15:04:05.000  APNs  to bob  messages 12  shows nothing, wakes the app`},
		{trial, `  15:04:05.000  APNs  without news of a user: a test of the credential  shows nothing, wakes the app  refused: 403 InvalidProviderToken`},
		{lost, `  15:04:05.000  APNs  to bob  messages 12  "From \x1b[31malice" / "hello"  replaces "messages"  taken, but not answered: client gone`},
	} {
		if got := pushLine(c.push); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// A burst is a few lines and one for the rest, and no line has a token.
func TestBurstOfPushesSharesALine(t *testing.T) {
	out := &screen{}
	p := newPushLines(&console{stdout: out})
	burst := make([]devmode.Push, 0, 40)
	for range 30 {
		burst = append(burst, devPush(200, ""))
	}
	for range 10 {
		burst = append(burst, devPush(410, "Unregistered"))
	}
	p.show(burst[:25])
	p.show(burst[25:])
	p.begun = p.begun.Add(-time.Second)
	p.show(nil)
	text := out.wait(t, "and 30 more: 10 APNs refused: 410 Unregistered, 20 APNs taken\n")
	if n := strings.Count(text, "\n"); n != pushLinesMost+1 {
		t.Errorf("%d lines:\n%s", n, text)
	}
	if strings.Contains(text, devToken) {
		t.Error("a token is shown")
	}
	p.show(burst[:1])
	if n := strings.Count(out.wait(t, "to bob"), "\n"); n != pushLinesMost+2 {
		t.Errorf("the next second begins with %d lines", n)
	}
}
