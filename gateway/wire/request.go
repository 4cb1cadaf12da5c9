package wire

import "time"

// Request calls a method of a core service through the edge.
type Request struct {
	// ID is the device's choice; it comes back in the Response. Unique among
	// the requests of a connection that have no response yet.
	ID uint64
	// Timeout is how long the device waits, in milliseconds on the wire.
	// 0: the edge's default.
	Timeout time.Duration
	// Service and Method match the grammar of ids.
	Service, Method string
	// Body is the service's business; at most MaxBody bytes.
	Body []byte
}

// Type returns TypeRequest.
func (*Request) Type() Type { return TypeRequest }

func (f *Request) appendPayload(b []byte) []byte {
	b = appendVarint(b, f.ID)
	b = appendMillis(b, f.Timeout)
	b = appendBytes(b, f.Service)
	b = appendBytes(b, f.Method)
	return appendBytes(b, f.Body)
}

func parseRequest(d decoder) (Frame, error) {
	f := &Request{
		ID:      d.varint("id", maxVarint),
		Timeout: d.millis("timeout"),
		Service: d.id("service"),
		Method:  d.id("method"),
		Body:    d.body(),
	}
	return f, d.err
}
