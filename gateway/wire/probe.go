package wire

// Probe asks the device to send a Ping at once.
type Probe struct{}

// Type returns TypeProbe.
func (*Probe) Type() Type { return TypeProbe }

func (*Probe) appendPayload(b []byte) []byte { return b }
