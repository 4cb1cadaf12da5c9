package routing

import (
	"fmt"
	"time"
)

// Urgency says how long a connected device may take to acknowledge an event
// before it is pushed. The zero value means "not said".
type Urgency int

// The urgencies, as numbered in headers and in hawser.v1.Urgency.
const (
	UrgencyUnset  Urgency = 0
	UrgencyLow    Urgency = 1
	UrgencyNormal Urgency = 2
	UrgencyHigh   Urgency = 3
)

// Valid reports whether u is LOW, NORMAL or HIGH.
func (u Urgency) Valid() bool { return u >= UrgencyLow && u <= UrgencyHigh }

// Or returns u, or def where u was not said.
func (u Urgency) Or(def Urgency) Urgency {
	if u == UrgencyUnset {
		return def
	}
	return u
}

// Patience is how long after the event's publication a device may take to
// acknowledge before it is pushed: 3 s, 10 s or 60 s; unset counts as normal.
func (u Urgency) Patience() time.Duration {
	switch u {
	case UrgencyHigh:
		return 3 * time.Second
	case UrgencyLow:
		return 60 * time.Second
	default:
		return 10 * time.Second
	}
}

// String returns LOW, NORMAL, HIGH or UNSET.
func (u Urgency) String() string {
	switch u {
	case UrgencyLow:
		return "LOW"
	case UrgencyNormal:
		return "NORMAL"
	case UrgencyHigh:
		return "HIGH"
	case UrgencyUnset:
		return "UNSET"
	default:
		return fmt.Sprintf("Urgency(%d)", int(u))
	}
}

// ParseUrgency reads LOW, NORMAL, HIGH, 1, 2, 3 or nothing.
func ParseUrgency(s string) (Urgency, error) {
	switch s {
	case "":
		return UrgencyUnset, nil
	case "1", "LOW":
		return UrgencyLow, nil
	case "2", "NORMAL":
		return UrgencyNormal, nil
	case "3", "HIGH":
		return UrgencyHigh, nil
	default:
		return UrgencyUnset, fmt.Errorf("urgency %.20q must be LOW, NORMAL or HIGH", s)
	}
}
