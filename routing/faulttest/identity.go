package main

import "strings"

// identities knows which version each event was given, and what was sent at
// all.
type identities struct {
	sent    map[string]bool
	version map[string]int64
	// events are the publications, by key. mayForget says whether the log may
	// not know an event's id any more.
	events    map[string]publication
	mayForget func(publication) bool
	// reported events have been named as stored twice.
	reported map[string]bool
}

func newIdentities(f facts) *identities {
	s := &identities{sent: f.sent, version: map[string]int64{}, events: map[string]publication{}, reported: map[string]bool{}}
	for _, p := range f.published {
		s.version[p.key], s.events[p.key] = p.version, p
	}
	return s
}

// checkAnswers wants every repeat answered with the first version, and said
// to be a duplicate; and no version given to two events of a user's kind.
func (s *identities) checkAnswers(v *verdict, f facts) {
	for _, r := range f.repeats {
		first := s.version[r.key]
		if r.version != first || !r.duplicate {
			s.twice(v, r.key, first, r.version, "the repeat was answered so")
		}
	}
	type place struct {
		stream
		version int64
	}
	taken := map[place]string{}
	for _, p := range f.published {
		at := place{stream{p.owner, p.kind}, p.version}
		if other, ok := taken[at]; ok {
			v.Strange++
			v.fault("strange: %s and %s were both answered %s version %d", other, p.key, p.kind, p.version)
		}
		taken[at] = p.key
	}
}

// checkItems wants every item that was handed over to be published, for that
// user and kind, and under the version that was answered.
func (s *identities) checkItems(v *verdict, d *deviceFacts) {
	for _, a := range d.handed {
		if !s.sent[a.key] || !strings.HasPrefix(a.key, prefixOf(d.owner, a.kind)) {
			v.Strange++
			v.fault("strange: %s was handed %s version %d, which is %.120q: nobody published that for it", d, a.kind, a.version, a.key)
			continue
		}
		first, ok := s.version[a.key]
		if !ok {
			s.version[a.key] = a.version // never answered: the device tells
			continue
		}
		if first != a.version {
			s.twice(v, a.key, first, a.version, "a device was handed both")
		}
	}
}

func (s *identities) twice(v *verdict, key string, first, second int64, how string) {
	if s.reported[key] {
		return
	}
	s.reported[key] = true
	if e, ok := s.events[key]; ok && s.mayForget != nil && s.mayForget(e) {
		v.Forgotten++
		return
	}
	v.StoredTwice++
	v.fault("stored twice: %s has version %d and version %d: %s", key, first, second, how)
}
