package wire

import "math"

// Response answers a Request.
type Response struct {
	ID     uint64
	Status Status
	// Message is for logs, at most MaxText bytes; empty with StatusOK.
	Message string
	// Body is the answer, at most MaxBody bytes.
	Body []byte
}

// Type returns TypeResponse.
func (*Response) Type() Type { return TypeResponse }

func (f *Response) appendPayload(b []byte) []byte {
	b = appendVarint(b, f.ID)
	b = appendVarint(b, uint64(f.Status))
	b = appendText(b, f.Message)
	return appendBytes(b, f.Body)
}

func parseResponse(d decoder) (Frame, error) {
	f := &Response{
		ID:      d.varint("id", maxVarint),
		Status:  Status(d.varint("status", math.MaxUint8)),
		Message: d.text("message"),
		Body:    d.body(),
	}
	return f, d.err
}
