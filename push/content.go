package push

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Content is what a push shows and carries.
type Content struct {
	Title, Body, Sound string
	// Badge replaces the application's badge; nil leaves it.
	Badge *int
	// TTL is how long the provider tries. 0: the kind's default.
	TTL time.Duration
	// Once: the provider tries once and stores nothing, whatever TTL says.
	Once bool
	// Channel is the Android notification channel.
	Channel string
	// Mutable lets the application's extension see an alert before iOS shows
	// it; nil: the kind's default.
	Mutable *bool
	// Data is passed to the application as it is. Keys that the payload
	// itself uses ("hawser", and "aps" at APNs) are not taken from here.
	Data map[string]string
	// Background wakes the application and shows nothing.
	Background bool
	// Class collapses notifications; it becomes the collapse id.
	Class string
}

// Shows reports whether there is something to read.
func (c Content) Shows() bool { return c.Title != "" || c.Body != "" }

// eventPush is the JSON of an event's push content: the publisher's words, as
// JSON or as protobuf's JSON writes them.
type eventPush struct {
	Title     string            `json:"title"`
	Body      string            `json:"body"`
	Badge     *int              `json:"badge"`
	Sound     string            `json:"sound"`
	TTL       *seconds          `json:"ttl_s"`
	TTLpb     *seconds          `json:"ttlS"`
	Data      map[string]string `json:"data"`
	None      bool              `json:"none"`
	Channel   string            `json:"channel"`
	Mutable   *bool             `json:"mutable_content"`
	MutablePB *bool             `json:"mutableContent"`
}

// seconds reads a number or, as protobuf's JSON writes 64-bit numbers, text.
type seconds int64

// maxTTL is the longest time that both providers keep a message, 28 days.
const maxTTL = 28 * 24 * time.Hour

func (s *seconds) UnmarshalJSON(b []byte) error {
	text := string(b)
	if len(b) > 1 && b[0] == '"' {
		text = string(b[1 : len(b)-1])
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return fmt.Errorf("ttl_s must be a whole number of seconds from 0 up")
	}
	*s = seconds(min(n, int64(maxTTL/time.Second)))
	return nil
}

// parseContent reads an event's push content. ok is false if there is none or
// the publisher wants none; content that cannot be read counts as absent,
// because a push with default words is better than no push.
func parseContent(raw []byte) (c Content, ok bool) {
	if len(raw) == 0 {
		return Content{}, false
	}
	var e eventPush
	if json.Unmarshal(raw, &e) != nil || e.None {
		return Content{}, false
	}
	c = Content{Title: e.Title, Body: e.Body, Sound: e.Sound, Badge: e.Badge, Data: e.Data, Channel: e.Channel}
	c.Mutable = cmp.Or(e.Mutable, e.MutablePB)
	if ttl := cmp.Or(e.TTL, e.TTLpb); ttl != nil {
		c.TTL, c.Once = time.Duration(*ttl)*time.Second, *ttl == 0
	}
	return c, c.says()
}

// says reports whether there is anything of the publisher's.
func (c Content) says() bool {
	return c.Shows() || c.Sound != "" || c.Badge != nil || len(c.Data) > 0 || c.Once || c.TTL > 0 || c.Channel != "" || c.Mutable != nil
}

// apply fills what the event left open. send is false if the kind's
// configuration sends nothing for an event without content.
func (d Defaults) apply(c Content, has bool, kind string) (out Content, send bool) {
	mode := d.mode()
	if !has && mode == ModeNone {
		return Content{}, false
	}
	if !c.Shows() {
		if mode == ModeAlert {
			c.Title, c.Body = d.Title, d.Body
		}
		c.Background = !c.Shows() && c.Badge == nil && c.Sound == ""
	}
	if c.Sound == "" && !c.Background {
		c.Sound = d.Sound
	}
	if c.TTL == 0 && !c.Once {
		c.TTL, c.Once = d.TTL, d.Once
	}
	c.Channel = cmp.Or(c.Channel, d.Channel)
	if c.Mutable == nil && d.AsIs {
		c.Mutable = new(bool)
	}
	if c.Class = d.Class; c.Class == "" {
		c.Class = kind
	}
	return c, true
}

func (d Defaults) mode() string {
	switch {
	case d.Mode == ModeAlert || d.Mode == ModeBackground || d.Mode == ModeNone:
		return d.Mode
	case d.Title != "" || d.Body != "":
		return ModeAlert
	default:
		return ModeBackground
	}
}

// Shorten makes content fit a provider's limit: first it leaves the data out,
// then it cuts the body. The application fetches the whole from the backend;
// a push that is too long to send tells it nothing. ok is false if nothing
// helps. fits is asked a few times.
func (c Content) Shorten(fits func(Content) bool) (short Content, ok bool) {
	if fits(c) {
		return c, true
	}
	c.Data = nil
	for runes := []rune(c.Body); !fits(c); {
		if len(runes) == 0 {
			return c, false
		}
		runes = runes[:len(runes)*3/4]
		c.Body = string(runes) + "…"
	}
	return c, true
}
