package apns

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/sideshow/apns2"

	"github.com/hawser-edge/hawser/push"
)

var _ push.Checker = (*App)(nil)

// noDevice is a well-formed token that no device has.
var noDevice = strings.Repeat("0", 64)

// Check sends a message to a token that no device has: Apple looks at the
// provider token before it looks at the device's. Which topics and which
// environment the key is good for shows, in part, only with a real token.
func (a *App) Check(ctx context.Context) push.Diagnosis {
	e, r := a.sender.once(ctx, &apns2.Notification{
		ApnsID: uuid.NewString(), DeviceToken: noDevice, Topic: a.topic,
		Expiration: expiration(time.Time{}), Priority: apns2.PriorityLow,
		PushType: apns2.PushTypeBackground, Payload: []byte(`{"aps":{"content-available":1}}`),
	})
	if e.taken || e.status == http.StatusBadRequest && e.reason == "BadDeviceToken" {
		return push.Diagnosis{Finding: push.CredentialWorks}
	}
	d := a.Explain(r)
	if d.Finding == push.CredentialRefused {
		if clock, off := push.ClockOff(e.date, time.Now()); off {
			clock.Reason = d.Reason
			return clock
		}
	}
	return d
}

// Explain implements push.Checker.
func (a *App) Explain(r push.Result) push.Diagnosis {
	d := push.Diagnosis{Reason: r.Reason}
	if r.Verdict == push.Delivered {
		d.Finding = push.CredentialWorks
		return d
	}
	row, ok := words[r.Reason]
	if !ok {
		row = otherwise(r.Verdict)
	}
	b := a.sender.bearer
	fill := strings.NewReplacer("{team}", b.team, "{key}", b.keyID, "{topic}", a.topic, "{host}", a.sender.client.Host)
	d.Finding, d.Problem, d.Remedy = row.finding, fill.Replace(row.problem), fill.Replace(row.remedy)
	return d
}

// advice is what an operator is told about an answer. In its texts {team},
// {key}, {topic} and {host} stand for the application's own.
type advice struct {
	finding         push.Finding
	problem, remedy string
}

// words puts Apple's reasons, and our own, in plain words. It is never written.
var words = map[string]advice{
	"InvalidProviderToken": {push.CredentialRefused,
		"Apple does not take team {team}, key id {key} and the .p8 key together: one of them is another's, or the key was revoked.",
		"Compare team_id with Membership and key_id with Keys in Apple's developer account (the .p8 file's name holds its key id), and check that the clock is right."},
	"ExpiredProviderToken": {push.CredentialRefused,
		"Apple finds a provider token too old that was made for this moment: the clock of this machine is slow.",
		"Have the clock set from the network (NTP)."},
	"MissingProviderToken": {push.CredentialRefused,
		"Apple saw no provider token.", "Look for a proxy at {host} that removes the authorization header."},
	"BadEnvironmentKeyIdInToken": otherEnvironment,
	"BadEnvironmentKeyInToken":   otherEnvironment,
	"UnrelatedKeyIdInToken": {push.CredentialRefused,
		"Key {key} is not made for topic {topic}.", "Make a key for this topic, or one for the whole team."},
	"TopicDisallowed": {push.CredentialRefused,
		"Team {team} may not send to topic {topic}.", "Give the bundle id of one of the team's own apps, with push enabled, as topic."},
	"MissingTopic": {push.CredentialRefused,
		"No topic is set and Apple wants one.", "Set the app's topic to its bundle id."},
	"BadTopic": {push.CredentialRefused,
		"Apple takes {topic} for no topic.", "Set the app's topic to its bundle id."},
	"Forbidden": {push.CredentialRefused,
		"Apple forbids the request.", "Check that the team's membership is paid and its agreements are accepted."},
	"TooManyProviderTokenUpdates": {push.CredentialUnknown,
		"Apple sees too many different provider tokens of key {key} within 20 minutes.",
		"Look for another program that uses the same key, or give each its own."},
	"BadDeviceToken": {push.CredentialWorks,
		"Apple does not know the device's token at {host}: it was made for the other environment, or is no token.",
		"Tokens of apps installed from Xcode belong to the sandbox, those of TestFlight and the App Store to production."},
	"DeviceTokenNotForTopic": {push.CredentialWorks,
		"The device's token belongs to another app than topic {topic}.", "Compare topic with the app's bundle id."},
	"malformed token": {push.CredentialWorks,
		"What the device registered is no APNs token: those are hexadecimal digits.",
		"Have the app send the token's bytes in hexadecimal, and no FCM token."},
	"Unregistered": {push.CredentialWorks,
		"The app was removed from the device, or its token replaced.", "Nothing is to be done: the app registers anew when it runs."},
	"ExpiredToken": {push.CredentialWorks,
		"The device's token has expired.", "Nothing is to be done: the app registers anew when it runs."},
	"provider token not signed": {push.CredentialRefused,
		"The key cannot sign.", "Give the .p8 file from Apple as it is."},
	"no connection": {push.CredentialUnknown,
		"{host} was not reached.", "Look for DNS and a firewall; the log of this process has the error."},
	"http 200": {push.CredentialUnknown,
		"What answered at {host} is not Apple: a page came where nothing should be.", "Look for a proxy between this machine and {host}."},
	"timeout": {push.CredentialUnknown,
		"{host} did not answer in time.", "Try again; look for a firewall or a proxy."},
}

// otherEnvironment is of a key for the sandbox at production, or the other way
// round. It is never written.
var otherEnvironment = advice{push.CredentialRefused,
	"Key {key} is not made for {host}: Apple's keys may be limited to sandbox or production.",
	"Set the app's environment to that of the key, or make a key for this environment."}

// otherwise words what has no row of its own.
func otherwise(v push.Verdict) advice {
	switch v {
	case push.PauseApp:
		return advice{push.CredentialRefused, "Apple refuses the credential.", "Compare team_id, key_id, environment and topic with Apple's developer account."}
	case push.RetryAfter:
		return advice{push.CredentialUnknown, "Apple has trouble or sees too much traffic.", "Try again later."}
	default:
		return advice{push.CredentialWorks, "Apple refuses the message itself.", "Look at what the event wants shown; please report it if that looks right."}
	}
}
