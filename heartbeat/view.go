package heartbeat

// A view's flags: four bits of the path's class, then what follows, then two
// bits of strikes, four of the cell's epoch, and behind.
const (
	classBits  = 0x0f
	background = 1 << (iota + 3)
	mute
	planned // a probe, in the cell's count
	byProbe // what asked tests, a Probe and not a Notify
	upward  // the probe goes beyond what the network was seen to keep
	strike
	strikes    = strike | strike<<1
	epoch      = strike << 2
	epochs     = 15 * epoch
	behind     = epoch << 4 // another frame went out behind the one that asked
	maxStrikes = 3
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

// parent is where the cell of path is.
func (v *View) parent() uint32 { return handle(shards+int(v.flags&classBits), 0, 1) }

// address is what tells subscribers of all networks apart; 0: unknown.
func (v *View) address() uint32 { return uint32(v.block)<<8 | uint32(v.subscriber) }

func (v *View) setState(s State) {
	v.set(background, s.Background)
	v.set(mute, s.Mute)
}

func (v *View) set(flag uint16, on bool) {
	v.flags &^= flag
	if on {
		v.flags |= flag
	}
}

func (v *View) is(flag uint16) bool { return v.flags&flag != 0 }
func (v *View) mute() bool          { return v.is(mute) }

// struck counts the deaths that the connection has had.
func (v *View) struck() int { return int(v.flags & strikes / strike) }

func (v *View) setStruck(n int) {
	v.flags = v.flags&^strikes | uint16(min(n, maxStrikes))*strike
}

// sync forgets what the connection showed before its network's last alarm.
func (v *View) sync(e uint8) {
	if uint8(v.flags&epochs/epoch) == e&15 {
		return
	}
	v.flags = v.flags&^epochs | uint16(e&15)*epoch
	v.lo, v.hi = 0, 0
	v.setStruck(0)
}

// forget begins anew, on another network.
func (v *View) forget() {
	v.lo, v.hi, v.asked = 0, 0, 0
	v.flags &^= byProbe | upward | behind
	v.setStruck(0)
}

// span is what the connection showed, in buckets.
func (v *View) span() span {
	in := span{-1, buckets}
	if v.lo > 0 {
		in.lo = min(int(v.lo-1)/fineness, buckets-1)
	}
	if v.hi > 0 {
		in.hi = (int(v.hi-1) + fineness - 1) / fineness
	}
	return in
}
