package wire

// Bye ends the connection from the device's side.
type Bye struct {
	// Logout: this installation no longer belongs to the user. The edge
	// removes the device's record before it answers.
	Logout bool
}

// Type returns TypeBye.
func (*Bye) Type() Type { return TypeBye }

func (f *Bye) appendPayload(b []byte) []byte { return appendFlags(b, f.Logout) }

func parseBye(d decoder) (Frame, error) {
	f := &Bye{Logout: d.flags()&1 != 0}
	return f, d.err
}
