package pushtest

import (
	"sync"
	"time"
)

// maxPhones bounds the devices that are modelled.
const maxPhones = 100_000

// phones models the devices behind a service. It is embedded in both
// simulators.
type phones struct {
	// store is what the service does with a notification for a phone that is
	// offline.
	store func(p *phone, n Notification)
	// limits of what a phone with a network gets at once.
	limits FCMLimits

	// Guarded by phonesMu.
	phonesMu sync.Mutex
	phones   map[phoneKey]*phone
	silent   map[string]bool // tokens that are offline
}

// phoneKey is an application on a device.
type phoneKey struct{ token, app string }

func newPhones(store func(*phone, Notification)) *phones {
	return &phones{store: store, phones: map[phoneKey]*phone{}, silent: map[string]bool{}}
}

// deliver hands a notification that the service took on to its phone.
func (ps *phones) deliver(n Notification) {
	ps.phonesMu.Lock()
	defer ps.phonesMu.Unlock()
	k := phoneKey{n.Token, n.App}
	p := ps.phones[k]
	if p == nil {
		if len(ps.phones) >= maxPhones {
			return
		}
		p = newPhone()
		p.offline = ps.silent[n.Token]
		ps.phones[k] = p
	}
	if p.offline {
		ps.store(p, n)
		return
	}
	ps.refill(p)
	if n.throttled() && !p.allowance.take(time.Now(), ps.limits) {
		p.seen.Throttled++
		ps.store(p, n)
		return
	}
	p.show(n)
}

// refill delivers what was held back and may go out now.
func (ps *phones) refill(p *phone) {
	now := time.Now()
	for !p.offline && len(p.stored) > 0 && p.allowance.take(now, ps.limits) {
		n := p.stored[0]
		p.stored = p.stored[1:]
		p.arrive(n, now)
	}
}

// SetOnline takes a device offline, or back: it then gets what the service
// stored for it. Devices are online at first.
func (ps *phones) SetOnline(token string, online bool) {
	ps.phonesMu.Lock()
	defer ps.phonesMu.Unlock()
	if online {
		delete(ps.silent, token)
	} else if len(ps.silent) < maxPhones {
		ps.silent[token] = true
	}
	for k, p := range ps.phones {
		switch {
		case k.token != token:
		case online:
			p.wake(time.Now())
		default:
			p.offline = true
		}
	}
}

// Clear is a user who clears a device's notifications away.
func (ps *phones) Clear(token string) {
	ps.phonesMu.Lock()
	defer ps.phonesMu.Unlock()
	for k, p := range ps.phones {
		if k.token == token {
			p.screen = nil
		}
	}
}

// Shown returns the notifications that a device displays, oldest first.
func (ps *phones) Shown(token string) []Notification {
	ps.phonesMu.Lock()
	defer ps.phonesMu.Unlock()
	var out []Notification
	for k, p := range ps.phones {
		if k.token != token {
			continue
		}
		ps.refill(p)
		for _, n := range p.screen {
			out = append(out, n.clone())
		}
	}
	return out
}

// Seen returns what the user of a device saw, or of all devices if token is
// empty.
func (ps *phones) Seen(token string) Seen {
	ps.phonesMu.Lock()
	defer ps.phonesMu.Unlock()
	var sum Seen
	for k, p := range ps.phones {
		if token == "" || k.token == token {
			ps.refill(p)
			sum.add(p.seen)
		}
	}
	return sum
}

func (ps *phones) forget() {
	ps.phonesMu.Lock()
	defer ps.phonesMu.Unlock()
	clear(ps.phones)
}
