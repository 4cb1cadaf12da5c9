package wire

// State tells the edge that the application moved to the foreground or to
// the background.
type State struct {
	Background bool
}

// Type returns TypeState.
func (*State) Type() Type { return TypeState }

func (f *State) appendPayload(b []byte) []byte { return appendFlag(b, f.Background) }

func parseState(d decoder) (Frame, error) {
	f := &State{Background: d.flag()}
	return f, d.err
}
