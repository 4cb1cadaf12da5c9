package wire

// State tells the edge whether the application is in the background, and
// whether the system lets it run at all.
type State struct {
	Background bool
	// Asleep: the system holds the application's timers or network back, so
	// that it cannot beat.
	Asleep bool
}

// Type returns TypeState.
func (*State) Type() Type { return TypeState }

func (f *State) appendPayload(b []byte) []byte { return appendFlags(b, f.Background, f.Asleep) }

func parseState(d decoder) (Frame, error) {
	flags := d.flags()
	return &State{Background: flags&1 != 0, Asleep: flags&2 != 0}, d.err
}
