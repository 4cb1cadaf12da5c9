package wire

// Ack says that the device has synced a kind up to a version.
type Ack struct {
	Kind    Kind
	Version int64
}

// Type returns TypeAck.
func (*Ack) Type() Type { return TypeAck }

func (f *Ack) appendPayload(b []byte) []byte {
	return appendVarint(appendKind(b, f.Kind), uint64(f.Version))
}

func parseAck(d decoder) (Frame, error) {
	f := &Ack{Kind: d.kind(), Version: d.version()}
	return f, d.err
}
