package wire

import "fmt"

// Ping asks for a Pong. It may carry what the device has synced.
type Ping struct {
	// Versions holds at most MaxKinds entries. Empty: nothing to tell.
	Versions []KindVersion
	// Answer says that a Probe brought the Ping about.
	Answer bool
}

// Type returns TypePing.
func (*Ping) Type() Type { return TypePing }

func (f *Ping) appendPayload(b []byte) []byte {
	if len(f.Versions) == 0 && !f.Answer {
		return b
	}
	b = appendVarint(b, uint64(len(f.Versions)))
	for _, v := range f.Versions {
		b = appendVarint(appendKind(b, v.Kind), uint64(v.Version))
	}
	if f.Answer {
		b = appendFlags(b, true)
	}
	return b
}

func parsePing(d decoder) (Frame, error) {
	f := &Ping{}
	// The commonest frame of all has no payload.
	if len(d.b) == 0 {
		return f, nil
	}
	n := d.varint("count", MaxKinds)
	// An entry has two bytes at least; do not allocate for what cannot be.
	if n > uint64(len(d.b)/2) {
		d.fail(fmt.Sprintf("%d versions are cut short", n), nil)
	}
	if n > 0 && d.err == nil {
		f.Versions = make([]KindVersion, 0, n)
	}
	for range n {
		f.Versions = append(f.Versions, KindVersion{Kind: d.kind(), Version: d.version()})
		if d.err != nil {
			break
		}
	}
	if d.err == nil && len(d.b) > 0 { // devices of earlier say no more
		f.Answer = d.flags()&1 != 0
	}
	return f, d.err
}
