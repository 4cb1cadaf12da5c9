package publish

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/hawserv1"
)

// MaxPush bounds what a push shows and carries, in bytes of JSON: a provider
// takes 4096 in all, of which 512 are left to hawser's block and the
// provider's own fields.
const MaxPush = 4096 - 512

const (
	// maxTTL is FCM's greatest, four weeks, in seconds.
	maxTTL = 28 * 24 * 3600
	// maxData is the greatest number of data entries.
	maxData = 32
	// maxChannel bounds the name of an Android channel, in bytes.
	maxChannel = 256
)

// encodePush checks the content and returns it as it is stored; nil for none.
func encodePush(k routing.Kind, p *hawserv1.Push) ([]byte, *Error) {
	if p == nil {
		return nil, nil
	}
	if err := checkPush(k, p); err != nil {
		return nil, err
	}
	b, err := protojson.Marshal(p)
	if err != nil {
		return nil, invalid("push: %s", err)
	}
	return b, nil
}

func checkPush(k routing.Kind, p *hawserv1.Push) *Error {
	if p.GetNone() && (p.GetTitle() != "" || p.GetBody() != "" || p.Badge != nil || p.GetSound() != "" || p.TtlS != nil || len(p.GetData()) > 0 || p.GetChannel() != "" || p.MutableContent != nil) {
		return invalid("push.none stands alone: leave the other fields of push out, or leave none out")
	}
	if p.GetTtlS() < 0 || p.GetTtlS() > maxTTL {
		return invalid("push.ttl_s is %d: it must be 0 (once) to %d (four weeks)", p.GetTtlS(), maxTTL)
	}
	if p.GetBadge() < 0 {
		return invalid("push.badge is %d: it must not be negative", p.GetBadge())
	}
	if len(p.GetChannel()) > maxChannel {
		return invalid("push.channel has %d bytes: at most %d are taken", len(p.GetChannel()), maxChannel)
	}
	if len(p.GetData()) > maxData {
		return invalid("push.data has %d entries: at most %d are taken", len(p.GetData()), maxData)
	}
	for key := range p.GetData() {
		if err := checkDataKey(key); err != nil {
			return err
		}
	}
	if size := pushSize(k, p); size > MaxPush {
		return invalid("push has %d bytes of JSON, at most %d fit the providers' 4096 beside hawser's own: shorten the body or let the device fetch it by sync", size, MaxPush)
	}
	return nil
}

// checkDataKey refuses names that hawser or a provider uses itself.
func checkDataKey(key string) *Error {
	switch {
	case key == "" || len(key) > MaxID || !utf8.ValidString(key):
		return invalid("push.data has a key of %d bytes: a key has 1 to %d", len(key), MaxID)
	case key == "hawser" || key == "aps" || key == "from" || key == "notification" || key == "message_type",
		strings.HasPrefix(key, "google"), strings.HasPrefix(key, "gcm"):
		return invalid("push.data key %q is reserved by hawser or a provider: choose another name", key)
	default:
		return nil
	}
}

// pushSize is the JSON's length of what will be sent, with the kind's
// defaults where the event says nothing.
func pushSize(k routing.Kind, p *hawserv1.Push) int {
	or := func(s, def string) string {
		if s == "" {
			return def
		}
		return s
	}
	size := jsonSize(or(p.GetTitle(), k.Push.Title)) + jsonSize(or(p.GetBody(), k.Push.Body)) + jsonSize(or(p.GetSound(), k.Push.Sound))
	for key, value := range p.GetData() {
		size += jsonSize(key) + jsonSize(value) + 2
	}
	return size
}

// jsonSize is the length of a string in JSON, escapes included.
func jsonSize(s string) int {
	b, err := json.Marshal(s)
	if err != nil {
		return len(s)*6 + 2
	}
	return len(b)
}
