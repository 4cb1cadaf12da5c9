package wire

import (
	"fmt"

	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// Close is the edge's last frame. Nothing follows it.
type Close struct {
	Code CloseCode
	// Reason is for logs, at most MaxText bytes.
	Reason string
	// ComeBack says when the device is to come back; nil: as the code says.
	ComeBack *wirepb.ComeBack
}

// Type returns TypeClose.
func (*Close) Type() Type { return TypeClose }

func (f *Close) appendPayload(b []byte) []byte {
	b = appendText(appendVarint(b, uint64(f.Code)), f.Reason)
	if f.ComeBack == nil {
		return b
	}
	return appendBody(b, f.ComeBack)
}

func parseClose(d decoder) (Frame, error) {
	code := d.varint("code", maxVarint)
	if d.err == nil && (code < minCloseCode || code > maxCloseCode) {
		d.fail(fmt.Sprintf("code %d is not in %d to %d", code, minCloseCode, maxCloseCode), nil)
	}
	f := &Close{Code: CloseCode(code), Reason: d.text("reason")}
	if d.err != nil || len(d.b) == 0 {
		return f, d.err
	}
	// What is wrong here does not undo what the code says.
	back := &wirepb.ComeBack{}
	if parseBody(d.b, back) == nil && checkComeBack(back) == nil {
		f.ComeBack = back
	}
	return f, nil
}

// maxSlot is the greatest length of a slot, in bytes.
const maxSlot = 64

func checkComeBack(m *wirepb.ComeBack) error {
	var c checks
	c.millis("wait_ms", m.WaitMs)
	c.length("slot", len(m.Slot), maxSlot)
	return c.err
}
