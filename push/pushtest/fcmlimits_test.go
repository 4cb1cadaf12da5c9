package pushtest

import (
	"fmt"
	"testing"
	"time"
)

func (f *FCM) push(t *testing.T, send func(body string) (int, map[string]any), token, rest string) (int, map[string]any) {
	t.Helper()
	return send(fmt.Sprintf(`{"message":{"token":%q%s}}`, token, rest))
}

func TestQuotas(t *testing.T) {
	f := newFCM(t, FCMOptions{Limits: FCMLimits{ProjectPerMinute: 5, DevicePerMinute: 2, RetryAfter: 30 * time.Second}})
	c := httpClient(t, f.server)
	access := accessToken(t, f, c)
	send := func(body string) (int, map[string]any) {
		return post(t, c, f.sendURL(), access, "application/json", body)
	}
	for i, step := range []struct {
		token  string
		status int
		whose  string
	}{
		{"a", 200, ""}, {"a", 200, ""}, {"a", 429, "device"}, {"b", 200, ""}, {"b", 200, ""}, {"c", 429, "project"},
	} {
		status, body := f.push(t, send, step.token, "")
		if status != step.status {
			t.Fatalf("%d: status %d, want %d", i, status, step.status)
		}
		if step.whose == "" {
			continue
		}
		details := body["error"].(map[string]any)["details"].([]any)
		violation := details[1].(map[string]any)["violations"].([]any)[0].(map[string]any)
		if violation["subject"] != step.whose {
			t.Errorf("%d: quota of the %v, want of the %s", i, violation["subject"], step.whose)
		}
	}
}

// A device's quota of an hour binds where that of a minute does not, until the
// hour is over; other devices have their own.
func TestQuotaOfAnHour(t *testing.T) {
	q := newQuota(FCMLimits{DevicePerMinute: 2, DevicePerHour: 3})
	begun := time.Now()
	for i, step := range []struct {
		token  string
		after  time.Duration
		status int
	}{
		{"a", 0, 0}, {"a", 0, 0}, {"a", 0, 429}, {"a", 2 * time.Minute, 0}, {"a", 4 * time.Minute, 429},
		{"b", 4 * time.Minute, 0}, {"a", 61 * time.Minute, 0},
	} {
		if got := q.check(step.token, begun.Add(step.after)); got.Status != step.status {
			t.Errorf("%d: status %d for device %s after %v, want %d", i, got.Status, step.token, step.after, step.status)
		}
	}
}

func TestReplaceableMessagesAreHeldBack(t *testing.T) {
	f := newFCM(t, FCMOptions{Limits: FCMLimits{Burst: 2, Refill: time.Hour}})
	c := httpClient(t, f.server)
	access := accessToken(t, f, c)
	send := func(body string) (int, map[string]any) {
		return post(t, c, f.sendURL(), access, "application/json", body)
	}
	for i := range 5 {
		f.push(t, send, "a", fmt.Sprintf(`,"notification":{"title":"%d"},"android":{"collapse_key":"k","notification":{"tag":"k"}}`, i))
	}
	if got, want := f.Seen("a"), (Seen{Alerts: 2, Throttled: 3, Superseded: 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	f.push(t, send, "a", `,"notification":{"title":"now"},"android":{"ttl":"0s"}`)
	if got := f.Seen("a"); got.Alerts != 3 {
		t.Errorf("one try only was held back: %+v", got)
	}
	f.SetOnline("a", false)
	f.SetOnline("a", true)
	if shown := f.Shown("a"); len(shown) != 2 || shown[1].Title != "4" {
		t.Errorf("shows %+v", shown)
	}
}
