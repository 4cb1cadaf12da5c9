package heartbeat

// A view's flags: four bits of the path's class, then what follows.
const (
	classBits  = 0x0f
	background = 1 << (iota + 4)
	mute
)

// setPath keeps the kind of network; which network it is, the cell knows.
func (v *View) setPath(p Path) {
	v.flags = v.flags&^classBits | uint16(p.tidy().class())
}

// path is the parent of the view's path.
func (v *View) path() Path {
	class := v.flags & classBits
	return Path{Transport: Transport(class / radios), Radio: Radio(class % radios)}
}

func (v *View) setState(s State) {
	v.flags &^= background | mute
	if s.Background {
		v.flags |= background
	}
	if s.Mute {
		v.flags |= mute
	}
}

func (v *View) background() bool { return v.flags&background != 0 }
func (v *View) mute() bool       { return v.flags&mute != 0 }
