package pushtest

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// fcmStored is how many messages without a collapse key wait for a device;
	// one more discards them all.
	fcmStored = 100
	// fcmKeys is how many collapse keys wait for a device.
	fcmKeys = 4
)

// apnsStore keeps the newest notification of an application for a device that
// is offline, unless only one try was asked for.
func apnsStore(p *phone, n Notification) {
	if n.Expiration == "0" {
		p.seen.Discarded++
		return
	}
	p.seen.Superseded += len(p.stored)
	p.stored = []Notification{n}
}

// fcmStore keeps the newest message of each of a few collapse keys, and a
// bounded number of those without one.
func fcmStore(p *phone, n Notification) {
	if d, ok := seconds(n.Expiration); ok && d == 0 {
		p.seen.Discarded++
		return
	}
	if key := n.storeKey(); key != "" {
		p.supersede(key)
	} else if p.waiting(false) >= fcmStored {
		p.stored = slices.DeleteFunc(p.stored, func(o Notification) bool { return o.storeKey() == "" })
		p.seen.Overflowed += fcmStored
	}
	p.stored = append(p.stored, n)
}

// supersede makes room for a message with a collapse key.
func (p *phone) supersede(key string) {
	same := func(o Notification) bool { return o.storeKey() == key }
	if i := slices.IndexFunc(p.stored, same); i >= 0 {
		p.stored = slices.Delete(p.stored, i, i+1)
		p.seen.Superseded++
		return
	}
	if p.waiting(true) < fcmKeys {
		return
	}
	// Google says that it keeps four, and not which: here the oldest goes.
	i := slices.IndexFunc(p.stored, func(o Notification) bool { return o.storeKey() != "" })
	p.stored = slices.Delete(p.stored, i, i+1)
	p.seen.Overflowed++
}

// waiting counts stored messages with or without a collapse key.
func (p *phone) waiting(collapsible bool) int {
	count := 0
	for _, n := range p.stored {
		if (n.storeKey() != "") == collapsible {
			count++
		}
	}
	return count
}

// storeKey is what a stored message of FCM is replaced by. Messages that show
// something have one in any case: the application's name.
func (n Notification) storeKey() string {
	switch {
	case n.Collapse != "":
		return "key:" + n.Collapse
	case !n.Background:
		return "app:" + n.App
	default:
		return ""
	}
}

// seconds reads FCM's form of a duration, for instance "3.5s". Decades are as good
// as more.
func seconds(text string) (time.Duration, bool) {
	s, err := strconv.ParseFloat(strings.TrimSuffix(text, "s"), 64)
	if err != nil || s < 0 {
		return 0, false
	}
	return time.Duration(min(s, 1e9) * float64(time.Second)), true
}

// throttled reports whether FCM counts the message against what it delivers of
// replaceable ones: not where only one try is asked for.
func (n Notification) throttled() bool {
	d, ok := seconds(n.Expiration)
	return n.storeKey() != "" && (!ok || d > 0)
}
