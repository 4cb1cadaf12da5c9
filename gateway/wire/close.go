package wire

import "fmt"

// Close is the edge's last frame. Nothing follows it.
type Close struct {
	Code CloseCode
	// Reason is for logs, at most MaxText bytes.
	Reason string
}

// Type returns TypeClose.
func (*Close) Type() Type { return TypeClose }

func (f *Close) appendPayload(b []byte) []byte {
	return appendText(appendVarint(b, uint64(f.Code)), f.Reason)
}

func parseClose(d decoder) (Frame, error) {
	code := d.varint("code", maxVarint)
	if d.err == nil && (code < minCloseCode || code > maxCloseCode) {
		d.fail(fmt.Sprintf("code %d is not in %d to %d", code, minCloseCode, maxCloseCode), nil)
	}
	f := &Close{Code: CloseCode(code), Reason: d.text("reason")}
	return f, d.err
}
