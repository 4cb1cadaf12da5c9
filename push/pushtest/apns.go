package pushtest

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// APNsOptions configures an APNs simulator. Every field may be empty.
type APNsOptions struct {
	// Addr to listen on. Empty: any free port of 127.0.0.1.
	Addr string
	// TeamID and KeyID of the credentials it issues. Empty: made up.
	TeamID, KeyID string
	// Topics that the key may send to. Empty: every topic.
	Topics []string
	// MaxStreams limits the requests under way on a connection once it has
	// carried a good one; until then it carries one at a time. 0: 1000, as Apple
	// does.
	MaxStreams int
	// ShrinkAfter is after how many refused device tokens in a row a connection
	// carries one request at a time again. 0: never.
	ShrinkAfter int
	// TokenEvery is how long a connection keeps a provider token before it takes
	// another one. 0: 20 minutes, as Apple does.
	TokenEvery time.Duration
}

// APNs simulates Apple's push service. Make one with NewAPNs.
type APNs struct {
	*server
	counter

	// Static after construction.
	opts APNsOptions
	p8   []byte

	// Guarded by tokenMu.
	tokenMu       sync.Mutex
	keys          map[string]apnsKey // by key id
	expiredBefore time.Time
	bearers       []string // distinct, in the order they came
}

// NewAPNs starts a simulator. Close it.
func NewAPNs(opts APNsOptions) (*APNs, error) {
	orText(&opts.TeamID, "TEAMSIM001")
	orText(&opts.KeyID, "KEYSIM0001")
	if opts.MaxStreams <= 0 {
		opts.MaxStreams = 1000
	}
	if opts.TokenEvery <= 0 {
		opts.TokenEvery = 20 * time.Minute
	}
	a := &APNs{counter: newCounter(apnsStore), opts: opts, keys: map[string]apnsKey{}}
	var err error
	if a.p8, err = a.AddKey(opts.TeamID, opts.KeyID); err != nil {
		return nil, err
	}
	if a.server, err = listen(opts.Addr, 1, a); err != nil {
		return nil, err
	}
	a.start()
	return a, nil
}

// Unregister makes a token answer 410 Unregistered with this timestamp.
func (a *APNs) Unregister(token string, at time.Time) {
	a.AnswerToken(token, Reply{Status: http.StatusGone, Reason: "Unregistered", Timestamp: at})
}

// answer implements service, as api.push.apple.com does.
func (a *APNs) answer(c *call) answer {
	n := apnsNotification(c, strings.TrimPrefix(c.path, apnsPath))
	return a.serve(c, n.request(), desk{
		check: func() Reply { return a.check(c) },
		take: func() bool {
			a.enter(n)
			c.memory.good(a.opts.MaxStreams)
			return true
		},
		word:    func(r Reply) answer { return a.word(c, r) },
		closing: a.closing,
	})
}

func (a *APNs) word(c *call, r Reply) answer {
	if r.Reason == "BadDeviceToken" && c.memory != nil {
		c.memory.bad(a.opts.ShrinkAfter)
	}
	var body []byte
	if r.Status != http.StatusOK {
		fields := map[string]any{"reason": r.Reason}
		if r.Status == http.StatusGone && !r.Timestamp.IsZero() {
			fields["timestamp"] = r.Timestamp.UnixMilli()
		}
		body, _ = json.Marshal(fields) // text and a number
	}
	out := r.answer(body)
	if r.Raw == "" {
		out.header.Set("apns-id", c.header.Get("apns-id"))
	}
	return out
}

func apnsNotification(c *call, token string) Notification {
	var p struct {
		APS struct {
			Alert struct{ Title, Body string } `json:"alert"`
		} `json:"aps"`
		Hawser json.RawMessage `json:"hawser"`
	}
	_ = json.Unmarshal(c.body, &p) // what is no JSON is refused
	h := c.header
	n := Notification{
		Token: token, ID: h.Get("apns-id"), Collapse: h.Get("apns-collapse-id"),
		Title: p.APS.Alert.Title, Body: p.APS.Alert.Body,
		Background: h.Get("apns-push-type") == "background",
		Priority:   h.Get("apns-priority"), PushType: h.Get("apns-push-type"),
		App: h.Get("apns-topic"), Expiration: h.Get("apns-expiration"),
		Data: textValues(c.body), Hawser: p.Hawser, Payload: c.body, At: time.Now(),
	}
	n.replaces = n.Collapse
	if at, err := strconv.ParseInt(n.Expiration, 10, 64); err == nil && at > 0 {
		n.expires = time.Unix(at, 0)
	}
	return n
}

// textValues returns the custom keys whose values are text.
func textValues(body []byte) map[string]string {
	var all map[string]any
	_ = json.Unmarshal(body, &all)
	out := map[string]string{}
	for k, v := range all {
		if text, ok := v.(string); ok {
			out[k] = text
		}
	}
	return out
}

func isHex(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && s != ""
}

func orText(s *string, def string) {
	if *s == "" {
		*s = def
	}
}
