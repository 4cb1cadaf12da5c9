package httpservice

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
	"github.com/hawser-edge/hawser/routing"
)

// FuzzRead looks for a response that becomes more, or other, than a bounded
// answer of the right shape.
func FuzzRead(f *testing.F) {
	f.Add(200, "application/json", []byte(`{"head":"20","items":[{"version":1}]}`), true)
	f.Add(200, "", []byte("\x10\x14"), true)
	f.Add(200, "", make([]byte, routing.MaxAnswer+1), false)
	f.Add(404, "text/plain; charset=x", []byte("a\n\xffb"), false)
	f.Add(302, "text/html", []byte(""), false)
	f.Fuzz(func(t *testing.T, code int, typ string, body []byte, sync bool) {
		resp := &http.Response{StatusCode: code, Header: http.Header{"Content-Type": {typ}}, Body: io.NopCloser(bytes.NewReader(body))}
		r := read(t.Context(), resp, sync)
		if r.fault == nil {
			if code/100 != 2 || len(r.body) > routing.MaxAnswer || sync && proto.Unmarshal(r.body, &wirepb.SyncResponse{}) != nil {
				t.Fatalf("%d became an answer of %d bytes", code, len(r.body))
			}
			return
		}
		if r.body != nil && !sync || r.fault.Code == wire.StatusOK || len(r.fault.Message) > routing.MaxMessage || !utf8.ValidString(r.fault.Message) {
			t.Fatalf("%+v", r)
		}
		for _, c := range r.fault.Message {
			if unicode.IsControl(c) {
				t.Fatalf("control character in %q", r.fault.Message)
			}
		}
	})
}

// FuzzSyncRequest looks for bytes of a device that make the conversion fail in
// another way than by an error.
func FuzzSyncRequest(f *testing.F) {
	f.Add([]byte("\x08\x11"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if out, err := syncToJSON(body); err == nil && !bytes.Contains(out, []byte("since")) {
			t.Fatalf("%q became %s", body, out)
		}
	})
}
