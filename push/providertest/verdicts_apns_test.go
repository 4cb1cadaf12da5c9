package providertest_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/apns"
	"github.com/hawser-edge/hawser/push/providertest"
	"github.com/hawser-edge/hawser/push/pushtest"
)

const bundle = "org.example.chat"

// apnsWorlds shares a simulator.
func apnsWorlds(t *testing.T) func(*testing.T, time.Duration) world {
	sim := providertest.Simulator(t, pushtest.NewAPNs, pushtest.APNsOptions{})
	return func(t *testing.T, attempt time.Duration) world {
		pool := apns.NewPool(slog.New(slog.DiscardHandler))
		t.Cleanup(pool.Close)
		app, err := pool.App(apns.Config{
			TeamID: sim.TeamID(), KeyID: sim.KeyID(), Key: sim.Key(), Topic: bundle, Endpoint: sim.URL(), RootCAs: sim.RootCAs(),
		})
		if err != nil {
			t.Fatal(err)
		}
		return world{Worker: providertest.NewWorker(t, push.IOS, bundle, app, attempt), sim: sim}
	}
}

func apnsReply(status int, reason string) pushtest.Reply {
	return pushtest.Reply{Status: status, Reason: reason}
}

// ours is an answer that says the request was wrong.
func ours(status int, reason string) verdict {
	return verdict{reply: apnsReply(status, reason), token: "kept", job: "dead " + reason, app: "goes on"}
}

// refused is an answer that says our credentials are.
func refused(status int, reason string) verdict {
	return verdict{reply: apnsReply(status, reason), token: "kept", job: "again", after: time.Minute, app: "waits"}
}

// trouble is an answer that says nothing of the push.
func trouble(name string, r pushtest.Reply, after time.Duration) verdict {
	return verdict{answer: name, reply: r, token: "kept", job: "again", after: after, app: "goes on"}
}

// unreached is the same answer as of a token that would be removed, which it is
// not where it is the only one that is pushed to.
func unreached(v verdict) verdict {
	v.answer += ", while no other device is reached"
	v.reached, v.token, v.job = false, "kept", "again"
	return v
}

// broken is an exchange that ended below HTTP.
func broken(name string, b pushtest.Break, moves bool) verdict {
	return verdict{answer: name, reply: pushtest.Reply{Break: b}, token: "kept", job: "again", app: "goes on", moves: moves}
}

func apnsVerdicts() []verdict {
	now := time.Now()
	gone := func(name, reason string, at time.Time) verdict {
		return verdict{
			answer: name, reply: pushtest.Reply{Status: 410, Reason: reason, Timestamp: at},
			reached: true, twice: true, token: "removed", job: "done", app: "goes on", requests: 2,
		}
	}
	suspect := func(reason string) (among, alone verdict) {
		among = gone("400 "+reason, "", now)
		among.reply = apnsReply(400, reason)
		return among, unreached(among)
	}
	bad, badAlone := suspect("BadDeviceToken")
	topic, topicAlone := suspect("DeviceTokenNotForTopic")
	goneAlone := unreached(gone("410 Unregistered", "Unregistered", now))
	newer := gone("410 Unregistered, of before the token was registered", "Unregistered", now.Add(2*registered))
	newer.token, newer.job = "kept", "again"
	unreadable := trouble("410 from a proxy", pushtest.HTMLError(410), 30*time.Second)
	return []verdict{
		{answer: "200", token: "kept", job: "done", app: "goes on"},
		ours(400, "BadCollapseId"),
		bad,
		badAlone,
		ours(400, "BadExpirationDate"),
		ours(400, "BadMessageId"),
		ours(400, "BadPriority"),
		ours(400, "BadTopic"),
		topic,
		topicAlone,
		ours(400, "DuplicateHeaders"),
		{reply: apnsReply(400, "IdleTimeout"), token: "kept", job: "again", app: "goes on", moves: true},
		ours(400, "InvalidPushType"),
		ours(400, "MissingDeviceToken"),
		ours(400, "MissingTopic"),
		ours(400, "PayloadEmpty"),
		refused(400, "TopicDisallowed"),
		refused(403, "BadCertificate"),
		refused(403, "BadCertificateEnvironment"),
		refused(403, "BadEnvironmentKeyIdInToken"),
		refused(403, "BadEnvironmentKeyInToken"),
		{
			answer: "403 ExpiredProviderToken, then 200", reply: apnsReply(403, "ExpiredProviderToken"), once: true,
			token: "kept", job: "done", app: "goes on", requests: 2, moves: true,
		},
		{
			answer: "403 ExpiredProviderToken, always", reply: apnsReply(403, "ExpiredProviderToken"),
			token: "kept", job: "again", after: time.Minute, app: "waits", requests: 2,
		},
		refused(403, "Forbidden"),
		refused(403, "InvalidProviderToken"),
		refused(403, "MissingProviderToken"),
		refused(403, "UnrelatedKeyIdInToken"),
		ours(404, "BadPath"),
		ours(405, "MethodNotAllowed"),
		gone("410 ExpiredToken", "ExpiredToken", now),
		gone("410 Unregistered", "Unregistered", now),
		gone("410 Unregistered, without a timestamp", "Unregistered", time.Time{}),
		goneAlone,
		newer,
		ours(413, "PayloadTooLarge"),
		refused(429, "TooManyProviderTokenUpdates"),
		trouble("", apnsReply(429, "TooManyRequests"), time.Minute),
		trouble("429 TooManyRequests, Retry-After: 77", pushtest.Reply{Status: 429, Reason: "TooManyRequests", RetryAfter: 77 * time.Second}, 77*time.Second),
		trouble("", apnsReply(500, "InternalServerError"), 30*time.Second),
		trouble("", apnsReply(503, "ServiceUnavailable"), 30*time.Second),
		trouble("503 ServiceUnavailable, Retry-After: 120", pushtest.Reply{Status: 503, Reason: "ServiceUnavailable", RetryAfter: 2 * time.Minute}, 2*time.Minute),
		{reply: apnsReply(503, "Shutdown"), token: "kept", job: "again", app: "goes on", moves: true},
		trouble("400 with a reason of next year", apnsReply(400, "NewReason"), 30*time.Second),
		{
			answer: "403 with a reason of next year", reply: apnsReply(403, "NewReason"),
			token: "kept", job: "again", after: time.Minute, app: "waits",
		},
		trouble("200 from a proxy", pushtest.HTMLError(200), 30*time.Second),
		trouble("404 from a proxy", pushtest.HTML404(), 30*time.Second),
		unreadable,
		trouble("403 from a proxy", pushtest.HTMLError(403), 30*time.Second),
		trouble("502 from a proxy", pushtest.HTMLError(502), 30*time.Second),
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
