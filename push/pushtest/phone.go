package pushtest

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// maxScreen bounds what a phone displays; the oldest gives way.
	maxScreen = 100
	// maxKnown bounds what a phone remembers to have shown.
	maxKnown = 4096
)

// Seen counts what a phone's user saw and heard, and what never got there.
type Seen struct {
	// Alerts were displayed; Background ones only woke the application.
	Alerts     int `json:"alerts"`
	Background int `json:"background"`
	// Stacked, Reappeared and Replaced were displayed before, under the same id
	// or with the same content: beside the first, which was still there; after
	// the user had cleared it away; in its place. Of the first two the user sees
	// two notifications where there is one piece of news.
	Stacked    int `json:"stacked"`
	Reappeared int `json:"reappeared"`
	Replaced   int `json:"replaced"`
	// Backwards told of an older version of a kind than one before.
	Backwards int `json:"backwards"`
	// While the phone was offline: Superseded by a newer one, Discarded because
	// only one try was asked for, Overflowed because too many were stored.
	Superseded int `json:"superseded"`
	Discarded  int `json:"discarded"`
	Overflowed int `json:"overflowed"`
	// Throttled waited although the phone was online: FCM holds back what comes
	// too often with a collapse key.
	Throttled int `json:"throttled"`
	// Expired were too old when the phone came back.
	Expired int `json:"expired"`
}

// Duplicates is how often the user saw a second notification of the same news.
func (s Seen) Duplicates() int { return s.Stacked + s.Reappeared }

func (s *Seen) add(o Seen) {
	s.Alerts += o.Alerts
	s.Background += o.Background
	s.Stacked += o.Stacked
	s.Reappeared += o.Reappeared
	s.Replaced += o.Replaced
	s.Backwards += o.Backwards
	s.Superseded += o.Superseded
	s.Discarded += o.Discarded
	s.Overflowed += o.Overflowed
	s.Throttled += o.Throttled
	s.Expired += o.Expired
}

// phone is one application on one device. Its owner locks.
type phone struct {
	offline bool
	stored  []Notification // at the service, oldest first
	// allowance is of FCM's messages with a collapse key.
	allowance allowance
	screen    []Notification
	known     map[string]struct{} // ids and contents that were shown
	newest    map[string]int64    // version by user and kind
	seen      Seen
}

func newPhone() *phone { return &phone{known: map[string]struct{}{}, newest: map[string]int64{}} }

// wake delivers what the service stored.
func (p *phone) wake(now time.Time) {
	p.offline = false
	for _, n := range p.stored {
		p.arrive(n, now)
	}
	p.stored = nil
}

// arrive shows what was stored, unless it is too old.
func (p *phone) arrive(n Notification, now time.Time) {
	if !n.expires.IsZero() && n.expires.Before(now) {
		p.seen.Expired++
		return
	}
	p.show(n)
}

// show does what a phone does with a notification that arrives.
func (p *phone) show(n Notification) {
	if n.Background {
		p.seen.Background++
		return
	}
	p.seen.Alerts++
	place := slices.IndexFunc(p.screen, func(o Notification) bool { return n.replaces != "" && o.replaces == n.replaces })
	if p.knows(n) {
		same := slices.IndexFunc(p.screen, n.same)
		switch {
		case same >= 0 && same == place:
			p.seen.Replaced++
		case same >= 0:
			p.seen.Stacked++
		default:
			p.seen.Reappeared++
		}
	}
	p.remember(n)
	if place >= 0 {
		p.screen = slices.Delete(p.screen, place, place+1)
	}
	if len(p.screen) >= maxScreen {
		p.screen = slices.Delete(p.screen, 0, 1)
	}
	p.screen = append(p.screen, n)
}

func (p *phone) knows(n Notification) bool {
	_, id := p.known["id:"+n.ID]
	_, content := p.known[n.content()]
	return id || content
}

func (p *phone) remember(n Notification) {
	if len(p.known) < maxKnown {
		p.known["id:"+n.ID] = struct{}{}
		p.known[n.content()] = struct{}{}
	}
	what, version := n.news()
	if version == 0 {
		return
	}
	if last, ok := p.newest[what]; ok && version < last {
		p.seen.Backwards++
	}
	if _, ok := p.newest[what]; ok || len(p.newest) < maxKnown {
		p.newest[what] = max(p.newest[what], version)
	}
}

// same reports whether two notifications are one piece of news.
func (n Notification) same(o Notification) bool { return n.ID == o.ID || n.content() == o.content() }

// content is what a user can tell notifications apart by, and what the
// application is told.
func (n Notification) content() string {
	data, _ := json.Marshal(n.Data) // text; keys come sorted
	return strings.Join([]string{n.Title, n.Body, string(n.Hawser), string(data)}, "\x00")
}

// news reads the version that the application is told of, 0 if there is none.
func (n Notification) news() (what string, version int64) {
	var h struct{ User, Kind, Version string }
	if json.Unmarshal(n.Hawser, &h) != nil {
		return "", 0
	}
	version, _ = strconv.ParseInt(h.Version, 10, 64) // 0 if it is no number
	return h.User + "/" + h.Kind, version
}
