package wire

// Notify tells the device that a kind has a new head.
type Notify struct {
	Kind Kind
	// Version is the head.
	Version int64
	// Previous is the version before it, below Version. A device that has
	// it lacks nothing but Version. 0: not known, fetch.
	Previous int64
}

// Type returns TypeNotify.
func (*Notify) Type() Type { return TypeNotify }

func (f *Notify) appendPayload(b []byte) []byte {
	b = appendVarint(appendKind(b, f.Kind), uint64(f.Version))
	return appendVarint(b, uint64(f.Previous))
}

func parseNotify(d decoder) (Frame, error) {
	f := &Notify{Kind: d.kind(), Version: d.version(), Previous: int64(d.varint("previous", maxVarint))}
	// It is a hint only: one that makes no sense is not worth a connection.
	if f.Previous >= f.Version {
		f.Previous = 0
	}
	return f, d.err
}
