package providertest_test

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/fcm"
	"github.com/hawser-edge/hawser/push/providertest"
	"github.com/hawser-edge/hawser/push/pushtest"
)

// fcmWorlds shares a simulator.
func fcmWorlds(t *testing.T) func(*testing.T, time.Duration) world {
	sim := providertest.Simulator(t, pushtest.NewFCM, pushtest.FCMOptions{})
	return func(t *testing.T, attempt time.Duration) world {
		sim.AnswerOAuth() // no leavings of another row
		c, err := fcm.New(fcm.Config{
			Credentials: sim.ServiceAccount(), Endpoint: sim.URL(), RootCAs: sim.RootCAs(), Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return world{Worker: providertest.NewWorker(t, push.Android, "org.example.chat", c, attempt), sim: sim, fcm: sim}
	}
}

// plain is an answer in Google's form without an FcmError detail.
func plain(status int) pushtest.Reply { return pushtest.Reply{Status: status} }

// stopped is an answer that stops the project for a while.
func stopped(name string, r pushtest.Reply, after time.Duration) verdict {
	return verdict{answer: name, reply: r, token: "kept", job: "again", after: after, app: "waits"}
}

func given(name string, r pushtest.Reply, reason string) verdict {
	return verdict{answer: name, reply: r, token: "kept", job: "dead " + reason, app: "goes on"}
}

func fcmVerdicts() []verdict {
	quota := func(after time.Duration, date bool) pushtest.Reply {
		return pushtest.Reply{Status: 429, Reason: "QUOTA_EXCEEDED", RetryAfter: after, RetryDate: date}
	}
	away := func(after time.Duration) pushtest.Reply {
		return pushtest.Reply{Status: 503, Reason: "UNAVAILABLE", RetryAfter: after}
	}
	coded := func(status int, code string) pushtest.Reply { return pushtest.Reply{Status: status, Reason: code} }
	rejected := func(name string, r pushtest.Reply, requests int) verdict {
		return verdict{
			answer: name, reply: r, reached: true, twice: true,
			token: "removed", job: "done", app: "goes on", requests: requests,
		}
	}
	message := given("400 INVALID_ARGUMENT, and a dry run with the token alone is taken", coded(400, "INVALID_ARGUMENT"), "INVALID_ARGUMENT")
	message.once, message.requests = true, 2
	badToken := rejected("400 INVALID_ARGUMENT, to a dry run with the token alone too", coded(400, "INVALID_ARGUMENT"), 4)
	foreign := rejected("403 SENDER_ID_MISMATCH", coded(403, "SENDER_ID_MISMATCH"), 2)
	unregistered := rejected("404 UNREGISTERED", coded(404, "UNREGISTERED"), 2)
	revoked := verdict{
		answer: "401 UNAUTHENTICATED, access token revoked", token: "kept", job: "done", app: "goes on", requests: 2,
		prepare: func(w world) { w.fcm.RevokeAccessTokens() },
	}
	oauth := func(name string, status int, reason string, after time.Duration) verdict {
		return verdict{
			answer: "token endpoint: " + name, token: "kept", job: "again", after: after, app: "waits", requests: -1,
			begin: func(w world) {
				w.fcm.AnswerOAuth(slices.Repeat([]pushtest.Reply{{Status: status, Reason: reason}}, 10)...)
			},
		}
	}
	return []verdict{
		{answer: "200", token: "kept", job: "done", app: "goes on"},
		badToken,
		unreached(badToken),
		message,
		rejected("400 INVALID_ARGUMENT with a BadRequest detail of the token", pushtest.InvalidArgument("message.token"), 4),
		given("400 INVALID_ARGUMENT with a BadRequest detail of another field", pushtest.InvalidArgument("message.android.ttl"), "INVALID_ARGUMENT"),
		given("400 INVALID_ARGUMENT with a BadRequest detail, no FcmError", pushtest.BadRequest("message.android.ttl"), "http 400"),
		trouble("400 without details", plain(400), 10*time.Second),
		trouble("401 THIRD_PARTY_AUTH_ERROR", coded(401, "THIRD_PARTY_AUTH_ERROR"), 10*time.Minute),
		revoked,
		{
			answer: "401 UNAUTHENTICATED, always", reply: plain(401),
			token: "kept", job: "again", after: time.Minute, app: "waits", requests: 2,
		},
		foreign,
		unreached(foreign),
		stopped("403 PERMISSION_DENIED without FcmError", plain(403), time.Minute),
		unregistered,
		unreached(unregistered),
		trouble("404 NOT_FOUND without FcmError", plain(404), 10*time.Second),
		trouble("429 QUOTA_EXCEEDED", quota(0, false), time.Minute),
		trouble("429 QUOTA_EXCEEDED, Retry-After: 90", quota(90*time.Second, false), 90*time.Second),
		trouble("429 QUOTA_EXCEEDED, Retry-After as a date in 10 minutes", quota(10*time.Minute, true), 10*time.Minute),
		trouble("429 QUOTA_EXCEEDED of the project (QuotaFailure)", pushtest.QuotaExceeded("project:1234", "Message rate exceeded"), time.Minute),
		trouble("429 QUOTA_EXCEEDED of one device (QuotaFailure)", pushtest.QuotaExceeded("device", "Device message rate exceeded"), time.Minute),
		trouble("429 RESOURCE_EXHAUSTED without FcmError", plain(429), time.Minute),
		trouble("500 INTERNAL", coded(500, "INTERNAL"), 10*time.Second),
		trouble("500 INTERNAL without FcmError", plain(500), 10*time.Second),
		trouble("503 UNAVAILABLE", away(0), 10*time.Second),
		trouble("503 UNAVAILABLE, Retry-After: 30", away(30*time.Second), 30*time.Second),
		trouble("503 UNAVAILABLE without FcmError", plain(503), 10*time.Second),
		trouble("500 UNSPECIFIED_ERROR", coded(500, "UNSPECIFIED_ERROR"), 10*time.Second),
		trouble("200 from a proxy", pushtest.HTMLError(200), 10*time.Second),
		trouble("404 from a proxy", pushtest.HTML404(), 10*time.Second),
		trouble("403 from a proxy", pushtest.HTMLError(403), 10*time.Second),
		trouble("502 from a proxy", pushtest.HTMLError(502), 10*time.Second),
		oauth("400 invalid_grant", 400, "invalid_grant", time.Minute),
		oauth("401 invalid_client", 401, "invalid_client", time.Minute),
		oauth("403 access_denied", 403, "access_denied", time.Minute),
		oauth("429", 429, "rate_limit_exceeded", 0),
		oauth("500", 500, "internal_failure", 0),
		oauth("503", 503, "unavailable", 0),
		broken("stream refused (REFUSED_STREAM)", pushtest.Refused, false),
		broken("stream reset, not taken", pushtest.ResetBefore, false),
		broken("stream reset, taken", pushtest.ResetAfter, false),
		broken("connection cut, not taken", pushtest.CutBefore, true),
		broken("connection cut, taken", pushtest.CutAfter, true),
		broken("GOAWAY, not taken", pushtest.AwayBefore, true),
		{answer: "GOAWAY, taken and answered", reply: pushtest.Reply{Break: pushtest.AwayAfter}, token: "kept", job: "done", app: "goes on", moves: true},
		broken("no answer, not taken", pushtest.SilentBefore, true),
		broken("no answer, taken", pushtest.SilentAfter, true),
	}
}
