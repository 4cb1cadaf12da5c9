package main

import (
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/hawser-edge/hawser/gateway/client"
)

// maxShown is how much of an item is shown to a human, in bytes.
const maxShown = 200

// eventLine is what connect --json prints for an event. It is added to and
// never changed.
type eventLine struct {
	Schema  string `json:"schema"`
	HeardAt string `json:"heard_at"`
	Kind    string `json:"kind"`
	Version string `json:"version"`
	// Item is base64; absent where only the version moved.
	Item []byte `json:"item_base64,omitempty"`
	// Text is the item where it is text that a terminal shows as it is.
	Text           string `json:"item_text,omitempty"`
	SnapshotNeeded bool   `json:"snapshot_needed"`
	ResetToHead    bool   `json:"reset_to_head"`
}

// stateLine is what connect --json prints for a change of the connection. It
// is added to and never changed.
type stateLine struct {
	Schema     string `json:"schema"`
	At         string `json:"at"`
	Phase      string `json:"phase"`
	Transport  string `json:"transport,omitempty"`
	Edge       string `json:"edge,omitempty"`
	Epoch      string `json:"epoch,omitempty"`
	IntervalMs int64  `json:"interval_ms,omitempty"`
	RetryInMs  int64  `json:"retry_in_ms,omitempty"`
	Error      string `json:"error,omitempty"`
}

// printer prints events and states, one whole line after the other.
type printer struct {
	// Static after construction.
	c      *console
	asJSON bool

	mu sync.Mutex // Held while a line is printed.
}

func newPrinter(c *console, asJSON bool) *printer { return &printer{c: c, asJSON: asJSON} }

// event prints a line for each item, or one where only the version moved, and
// returns how many. The error says that a line could not be written: then the
// event was not heard.
func (p *printer) event(e client.Event) (lines int, err error) {
	items := e.Items
	if len(items) == 0 {
		items = []client.Item{{Version: e.Version}}
	}
	heard := e.HeardAt
	if heard.IsZero() {
		heard = time.Now()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, item := range items {
		line := eventLine{
			Schema: "hawser.connect.event/1", HeardAt: stamp(heard), Kind: e.Kind,
			Version: strconv.FormatInt(item.Version, 10), Item: item.Data,
			SnapshotNeeded: e.SnapshotNeeded && i == 0, ResetToHead: e.ResetToHead && i == 0,
		}
		if printable(item.Data) {
			line.Text = string(item.Data)
		}
		if err := p.line(line, heard, e.Kind, line.human()); err != nil {
			return i, err
		}
	}
	return len(items), nil
}

func (l eventLine) human() string {
	text := "version " + l.Version
	if len(l.Item) > 0 {
		text += "  " + quote(l.Item)
	}
	if l.SnapshotNeeded {
		text += "  (older ones are gone: snapshot needed)"
	}
	if l.ResetToHead {
		text += "  (this device was ahead: reset to head)"
	}
	return text
}

// state prints a change of the connection.
func (p *printer) state(s client.State, addr string) {
	now := time.Now()
	line := stateLine{
		Schema: "hawser.connect.state/1", At: stamp(now), Phase: string(s.Phase),
		Transport: string(s.Transport), Edge: s.Edge,
		IntervalMs: s.Interval.Milliseconds(), RetryInMs: s.RetryIn.Milliseconds(),
	}
	if s.Epoch != 0 {
		line.Epoch = strconv.FormatInt(s.Epoch, 10)
	}
	// A run that was asked to end has not failed.
	if s.Err != nil && s.Phase != client.PhaseStopped {
		line.Error = strings.TrimPrefix(s.Err.Error(), "client: ")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	// Nobody is left to tell that standard output is gone; events tell.
	_ = p.line(line, now, string(s.Phase), line.human(addr))
}

func (l stateLine) human(addr string) string {
	switch client.Phase(l.Phase) {
	case client.PhaseConnecting:
		return "to " + addr
	case client.PhaseConnected:
		return "to edge " + shorten([]byte(l.Edge)) + " over " + l.Transport + ", heartbeat every " +
			(time.Duration(l.IntervalMs) * time.Millisecond).String()
	case client.PhaseWaiting:
		return (time.Duration(l.RetryInMs) * time.Millisecond).String() + " before the next attempt: " + shorten([]byte(l.Error))
	}
	return ""
}

func (p *printer) line(v any, at time.Time, word, rest string) error {
	if p.asJSON {
		return p.c.json(v)
	}
	text := at.Format("15:04:05.000") + "  " + pad(shorten([]byte(word)), 10) + "  " + rest
	_, err := p.c.stdout.Write([]byte(strings.TrimRight(text, " ") + "\n"))
	return err
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(width-len(s), 0))
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// printable tells whether a terminal shows b as it is and obeys none of it.
func printable(b []byte) bool {
	if !utf8.Valid(b) {
		return false
	}
	for _, r := range string(b) {
		if !strconv.IsPrint(r) {
			return false
		}
	}
	return true
}

// shorten shows a text that came over the network on one line of a terminal,
// in quotes if it must be.
func shorten(b []byte) string {
	if !printable(b) || len(b) > maxShown {
		return quote(b)
	}
	return string(b)
}

// quote shows the beginning of b in quotes, with everything escaped that a
// terminal might obey.
func quote(b []byte) string {
	if len(b) > maxShown {
		return strconv.Quote(strings.ToValidUTF8(string(b[:maxShown]), "")) + "..."
	}
	return strconv.Quote(string(b))
}
