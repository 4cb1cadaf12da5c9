package remote

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/push/pushtest"
)

// start runs simulators as their process does.
func start(t *testing.T) (State, Client) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := Run(ctx, Options{Dir: t.TempDir()}, w)
		_ = w.Close()
		ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	var s State
	if err := json.NewDecoder(r).Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s, Client{Control: s.Control}
}

func TestScriptsReachTheSimulators(t *testing.T) {
	s, c := start(t)
	if s.Schema != Schema || !strings.HasPrefix(s.APNs.URL, "https://127.0.0.1:") || s.APNs.KeyFile == "" || s.FCM.CredentialsFile == "" {
		t.Fatalf("state %+v", s)
	}
	hole := true
	for _, script := range []Script{
		{Provider: APNs, Pace: &Pace{AcceptMS: 5, AnswerMS: 5, Spread: true}, BlackHole: &hole, Do: "goaway"},
		{Provider: FCM, Answers: []Reply{{Status: 503, RetryAfterMS: 1000, Break: pushtest.ResetAfter}}, Do: "revoke"},
		{Provider: FCM, Tokens: map[string]Reply{"t": {Status: 404, Reason: "UNREGISTERED"}}, Forget: []string{"t"}, Do: "reset"},
		{Provider: APNs, Offline: []string{"t"}, Online: []string{"t"}, Clear: []string{"t"}},
	} {
		if err := c.Play(t.Context(), script); err != nil {
			t.Errorf("%+v: %v", script, err)
		}
	}
	for _, wrong := range []Script{{}, {Provider: "sms"}, {Provider: APNs, Do: "explode"}} {
		if err := c.Play(t.Context(), wrong); err == nil || !strings.Contains(err.Error(), "use ") {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
	status, err := c.Status(t.Context())
	if err != nil || status.APNs.Requests != 0 || status.FCM.Connections != 0 {
		t.Errorf("%+v, %v", status, err)
	}
	if got, err := c.Requests(t.Context(), APNs, 0); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := c.Requests(t.Context(), "sms", 0); err == nil {
		t.Error("an unknown provider has requests")
	}
}

func TestReplyIsReadWhole(t *testing.T) {
	var r Reply
	text := `{"status":410,"reason":"Unregistered","date_ms":7,"timestamp_ms":5,"retry_after_ms":2000,"retry_date":true,"break":"away after"}`
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	want := pushtest.Reply{
		Status: 410, Reason: "Unregistered", Date: time.UnixMilli(7), Timestamp: time.UnixMilli(5), RetryAfter: 2 * time.Second, RetryDate: true,
		Break: pushtest.AwayAfter,
	}
	if got := r.reply(); got != want {
		t.Errorf("%+v", got)
	}
	if err := json.Unmarshal([]byte(`{"break":"bent"}`), &r); err == nil {
		t.Error("an unknown break was taken")
	}
}
