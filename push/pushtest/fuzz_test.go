package pushtest

import (
	"bytes"
	"io"
	"net"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// FuzzFrames sends anything after the preface: the connection ends and leaves
// nothing behind, whatever it was.
func FuzzFrames(f *testing.F) {
	var whole, block bytes.Buffer
	w, e := http2.NewFramer(&whole, nil), hpack.NewEncoder(&block)
	for _, field := range []string{":method", "POST", ":path", "/token", "x", "y"} {
		_ = e.WriteField(hpack.HeaderField{Name: field, Value: "v"})
	}
	_ = w.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 3})
	_ = w.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true})
	_ = w.WriteData(1, true, []byte("body"))
	_ = w.WriteWindowUpdate(1, 1<<30)
	_ = w.WriteRSTStream(1, http2.ErrCodeCancel)
	_ = w.WritePing(false, [8]byte{})
	f.Add(whole.Bytes())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		ours, theirs := net.Pipe()
		c := newFrameConn(1, theirs, echo{}, 2)
		go func() { _, _ = io.Copy(io.Discard, ours) }() // ends with the pipe
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			c.serve()
		}()
		_, _ = ours.Write([]byte(http2.ClientPreface))
		_, _ = ours.Write(data)
		_ = ours.Close()
		<-ended
	})
}

// echo answers every call with its body.
type echo struct{}

func (echo) answer(c *call) answer { return newAnswer(200, "text/plain", c.body) }

// FuzzFCM reads anything as a message.
func FuzzFCM(f *testing.F) {
	f.Add([]byte(`{"message":{"token":"t","data":{"hawser":"{}"},"android":{"ttl":"5s","notification":{"tag":"t"}}},"validate_only":true}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if m, _, problem := parseFCM(body); problem == "" && m.Token == "" {
			t.Error("a message without a recipient was taken")
		}
	})
}
