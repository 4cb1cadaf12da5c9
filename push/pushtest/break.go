package pushtest

import (
	"fmt"
	"slices"
)

// Break is what goes wrong with one request below HTTP. The names say whether
// the service has taken the notification: that is what a sender cannot see.
type Break int

// Breaks. Without HTTP/2 each of them cuts the connection.
const (
	// Intact: nothing breaks.
	Intact Break = iota
	// Refused: RST_STREAM REFUSED_STREAM. Nothing was looked at: the request may
	// be sent again at once.
	Refused
	// ResetBefore and ResetAfter: RST_STREAM INTERNAL_ERROR.
	ResetBefore
	ResetAfter
	// CutBefore and CutAfter: the connection ends without a word.
	CutBefore
	CutAfter
	// AwayBefore: GOAWAY whose last stream is the one before this: it was not
	// looked at. Others under way are answered, then the connection ends.
	AwayBefore
	// AwayAfter: GOAWAY that counts this stream in; it is answered, then the
	// connection ends.
	AwayAfter
	// SilentBefore and SilentAfter: no answer to this request, ever.
	SilentBefore
	SilentAfter
	// clientGone: it was the sender's side that broke off.
	clientGone
)

// String names the break as the log of requests has it; Intact is empty.
func (b Break) String() string {
	names := breakNames()
	if b < 0 || int(b) >= len(names) {
		return "unknown"
	}
	return names[b]
}

// MarshalText implements encoding.TextMarshaler.
func (b Break) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText reads what String writes.
func (b *Break) UnmarshalText(text []byte) error {
	i := slices.Index(breakNames(), string(text))
	if i < 0 {
		return fmt.Errorf("pushtest: break %q: use one of %q", text, breakNames())
	}
	*b = Break(i)
	return nil
}

func breakNames() []string {
	return []string{"", "refused", "reset before", "reset after", "cut before", "cut after",
		"away before", "away after", "silent before", "silent after", "client gone"}
}

// before reports whether the notification is not taken.
func (b Break) before() bool {
	switch b {
	case Refused, ResetBefore, CutBefore, AwayBefore, SilentBefore:
		return true
	default:
		return false
	}
}

// silent reports whether the request is never answered.
func (b Break) silent() bool { return b == SilentBefore || b == SilentAfter }

// answered reports whether an answer goes out in spite of it.
func (b Break) answered() bool { return b == Intact || b == AwayAfter }
