package fcm

import (
	"net/http"
	"testing"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/providertest"
	"github.com/hawser-edge/hawser/push/pushtest"
)

// An argument that Google calls invalid is the token only if a message of the
// token alone is refused too.
func TestInvalidArgumentIsConfirmedByADryRun(t *testing.T) {
	invalid := pushtest.Reply{Status: http.StatusBadRequest, Reason: "INVALID_ARGUMENT"}
	field := pushtest.Reply{Status: http.StatusBadRequest, ContentType: "application/json",
		Raw: `{"error":{"status":"INVALID_ARGUMENT","details":[{"@type":"` + typeBadRequest + `","fieldViolations":[{"field":"message.token"}]}]}}`}
	for _, c := range []struct {
		name     string
		answers  []pushtest.Reply
		want     push.Verdict
		requests int
	}{
		{"the token", []pushtest.Reply{invalid, invalid}, push.SuspectToken, 2},
		{"the token, by its field", []pushtest.Reply{field, field}, push.SuspectToken, 2},
		{"the message", []pushtest.Reply{invalid, {Status: http.StatusOK}}, push.Dead, 2},
		{"gone", []pushtest.Reply{invalid, {Status: http.StatusNotFound, Reason: "UNREGISTERED"}}, push.DropToken, 2},
		{"not said", []pushtest.Reply{invalid, {Status: http.StatusServiceUnavailable, Reason: "UNAVAILABLE"}}, push.RetryAfter, 2},
		{"a field of the message", []pushtest.Reply{pushtest.BadRequest("ttl")}, push.Dead, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, sim := start(t)
			sim.Answer(c.answers...)
			if r := providertest.Send(t, client, message()); r.Verdict != c.want {
				t.Errorf("verdict %s (%s), want %s", r.Verdict, r.Reason, c.want)
			}
			if n := len(sim.Requests()); n != c.requests {
				t.Errorf("%d requests, want %d", n, c.requests)
			}
			if n := len(sim.Received()); n != 0 {
				t.Errorf("%d messages were sent", n)
			}
		})
	}
}
