package push

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestParseContent(t *testing.T) {
	three := 3
	for raw, want := range map[string]*Content{
		``:                               nil,
		`{}`:                             nil,
		`null`:                           nil,
		`{`:                              nil,
		`{"none":true}`:                  nil,
		`{"none":true,"title":"T"}`:      nil,
		`{"title":5}`:                    nil,
		`{"title":"T","ttl_s":-1}`:       nil,
		`{"title":"T","ttl_s":"x"}`:      nil,
		`{"title":"T"}`:                  {Title: "T"},
		`{"title":"T","later":1}`:        {Title: "T"},
		`{"body":"B","sound":"s"}`:       {Body: "B", Sound: "s"},
		`{"title":"T","ttl_s":30}`:       {Title: "T", TTL: 30 * time.Second},
		`{"title":"T","ttl_s":"30"}`:     {Title: "T", TTL: 30 * time.Second},
		`{"title":"T","ttlS":"30"}`:      {Title: "T", TTL: 30 * time.Second},
		`{"title":"T","ttl_s":0}`:        {Title: "T", Once: true},
		`{"ttlS":"0"}`:                   {Once: true},
		`{"channel":"calls"}`:            {Channel: "calls"},
		`{"mutable_content":false}`:      {Mutable: new(bool)},
		`{"mutableContent":false}`:       {Mutable: new(bool)},
		`{"badge":3,"data":{"a":"b"}}`:   {Badge: &three, Data: map[string]string{"a": "b"}},
		`{"title":"T","ttl_s":99999999}`: {Title: "T", TTL: maxTTL},
	} {
		got, ok := parseContent([]byte(raw))
		if ok != (want != nil) || (want != nil && !reflect.DeepEqual(got, *want)) {
			t.Errorf("%s: %+v, %v", raw, got, ok)
		}
	}
}

func TestHeadThenJobThenDefaults(t *testing.T) {
	for _, c := range []struct {
		name       string
		head       int64
		headPush   string
		jobPush    string
		defaults   Defaults
		want       Content
		background bool
	}{
		{"head", 7, `{"title":"H"}`, `{"title":"J"}`, Defaults{Title: "D", Sound: "ding"}, Content{Title: "H", Sound: "ding", Class: "messages"}, false},
		{"head has none", 7, ``, `{"title":"J"}`, Defaults{Title: "D"}, Content{Title: "J", Class: "messages"}, false},
		{"head wants none", 7, `{"none":true}`, `{"title":"J"}`, Defaults{Title: "D"}, Content{Title: "J", Class: "messages"}, false},
		{"head is behind", 3, `{"title":"H"}`, `{"title":"J"}`, Defaults{}, Content{Title: "J", Class: "messages"}, false},
		{"defaults", 7, ``, ``, Defaults{Title: "D", Body: "b", Class: "chat", TTL: time.Minute}, Content{Title: "D", Body: "b", Class: "chat", TTL: time.Minute}, false},
		{"once by default", 7, ``, ``, Defaults{Title: "D", TTL: time.Minute, Once: true}, Content{Title: "D", Once: true, TTL: time.Minute, Class: "messages"}, false},
		{"the event's time to live", 7, `{"ttl_s":5}`, ``, Defaults{Title: "D", Once: true}, Content{Title: "D", TTL: 5 * time.Second, Class: "messages"}, false},
		{"once for this event", 7, `{"ttl_s":0}`, ``, Defaults{Title: "D", TTL: time.Minute}, Content{Title: "D", Once: true, Class: "messages"}, false},
		{"channel and extension", 7, ``, ``, Defaults{Title: "D", Channel: "c", AsIs: true}, Content{Title: "D", Channel: "c", Mutable: new(bool), Class: "messages"}, false},
		{"data only takes default words", 7, `{"data":{"a":"b"}}`, ``, Defaults{Title: "D"}, Content{Title: "D", Data: map[string]string{"a": "b"}, Class: "messages"}, false},
		{"nothing to show", 7, ``, ``, Defaults{}, Content{Background: true, Class: "messages"}, true},
		{"background mode", 7, ``, ``, Defaults{Title: "D", Mode: ModeBackground}, Content{Background: true, Class: "messages"}, true},
		{"words beat background mode", 7, `{"title":"H"}`, ``, Defaults{Mode: ModeBackground}, Content{Title: "H", Class: "messages"}, false},
		{"words beat mode none", 7, `{"title":"H"}`, ``, Defaults{Mode: ModeNone}, Content{Title: "H", Class: "messages"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, nil, func(b *bench) {
				b.set(func(w *world) { w.head, w.content, w.defaults = c.head, c.headPush, c.defaults })
				j := job(5)
				j.Push = []byte(c.jobPush)
				b.hand(j)
				pass(2 * time.Second)
				m := b.app.messages()
				if len(m) != 1 || !reflect.DeepEqual(m[0].Content, c.want) {
					t.Fatalf("%+v", m)
				}
				if want := max(c.head, 5); m[0].Hawser.Version != string('0'+rune(want)) {
					t.Errorf("version %s", m[0].Hawser.Version)
				}
			})
		})
	}
}

func FuzzParseContent(f *testing.F) {
	for _, s := range []string{`{"title":"T","body":"B","badge":1,"ttl_s":"5","data":{"a":"b"}}`, `{"none":true}`, `{"ttl_s":1e9}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, ok := parseContent(raw)
		if ok && (!json.Valid(raw) || c.TTL < 0 || c.TTL > maxTTL || c.Background) {
			t.Errorf("%q: %+v", raw, c)
		}
	})
}

func TestShorten(t *testing.T) {
	limit := func(n int) func(Content) bool {
		return func(c Content) bool { return len(c.Title)+len(c.Body)+10*len(c.Data) <= n }
	}
	c := Content{Title: "T", Body: strings.Repeat("日", 100), Data: map[string]string{"a": "b"}}
	if got, ok := c.Shorten(limit(1000)); !ok || !reflect.DeepEqual(got, c) {
		t.Errorf("what fits was changed: %+v", got)
	}
	if got, ok := c.Shorten(limit(305)); !ok || got.Data != nil || got.Body != c.Body {
		t.Errorf("the data goes first: %+v", got)
	}
	got, ok := c.Shorten(limit(50))
	if !ok || len(got.Body) > 49 || !utf8.ValidString(got.Body) || !strings.HasSuffix(got.Body, "日…") {
		t.Errorf("%q", got.Body)
	}
	if _, ok := c.Shorten(limit(0)); ok {
		t.Error("nothing fits")
	}
}
