package relay

import (
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing"
)

// FuzzRead looks for a reply that is told to a device as more, or other, than
// a bounded answer.
func FuzzRead(f *testing.F) {
	f.Add("503", "", "", []byte(nil))
	f.Add("", "404", "no such order", []byte("x"))
	f.Add("", "\xff", "a\nb\x00", make([]byte, routing.MaxAnswer+1))
	f.Fuzz(func(t *testing.T, natsStatus, code, text string, data []byte) {
		a := read(Call{Service: "orders", Method: "list"}, &nats.Msg{Data: data, Header: nats.Header{
			"Status": {natsStatus}, routing.HeaderServiceErrorCode: {code}, routing.HeaderServiceError: {text},
		}})
		if a.fault == nil {
			if len(a.body) > routing.MaxAnswer || code != "" || text != "" {
				t.Fatalf("an answer of %d bytes with code %q and error %q", len(a.body), code, text)
			}
			return
		}
		if a.body != nil || len(a.fault.Message) > routing.MaxMessage || !utf8.ValidString(a.fault.Message) || a.fault.Code.String() == "ok" {
			t.Fatalf("%+v", a.fault)
		}
		for _, r := range a.fault.Message {
			if unicode.IsControl(r) {
				t.Fatalf("control character in %q", a.fault.Message)
			}
		}
	})
}
