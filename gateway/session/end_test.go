package session

import (
	"errors"
	"io"
	"net"
	"testing"

	"github.com/hawser-edge/hawser/gateway/wire"
)

func TestReadEnding(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"end of stream": {io.EOF, "peer_closed"},
		"in a frame":    {io.ErrUnexpectedEOF, "transport_error"},
		"closed":        {net.ErrClosed, "transport_error"},
		"any other":     {errors.New("connection reset"), "transport_error"},
		"malformed":     {&wire.FrameError{Type: wire.TypeAck, Err: wire.ErrMalformed}, "malformed"},
		"too large":     {&wire.FrameError{Type: wire.TypeAck, Err: wire.ErrTooLarge}, "too_large"},
	} {
		if got := readEnding(tt.err).reason; got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}
