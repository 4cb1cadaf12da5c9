package main

// identities knows which version each id was given, and what was sent at all.
type identities struct {
	sent    map[string]bool
	version map[string]int64
	// reported ids have been named as stored twice.
	reported map[string]bool
}

func newIdentities(f facts) *identities {
	s := &identities{sent: f.sent, version: map[string]int64{}, reported: map[string]bool{}}
	for _, p := range f.published {
		s.version[p.id] = p.version
	}
	return s
}

// checkAnswers wants every repeat answered with the first version, and said
// to be a duplicate; and no version given to two events of a user's kind.
func (s *identities) checkAnswers(v *verdict, f facts) {
	for _, r := range f.repeats {
		first := s.version[r.id]
		if r.version != first || !r.duplicate {
			s.twice(v, r.id, first, r.version, "the repeat was answered so")
		}
	}
	type place struct {
		user string
		of   version
	}
	taken := map[place]string{}
	for _, p := range f.published {
		at := place{p.user, version{p.kind, p.version}}
		if other, ok := taken[at]; ok {
			v.Strange++
			v.fault("strange: ids %s and %s of %s were both answered %s version %d", other, p.id, p.user, p.kind, p.version)
		}
		taken[at] = p.id
	}
}

// checkItems wants every item that was handed over to be published, and under
// the version that was answered.
func (s *identities) checkItems(v *verdict, d deviceFacts) {
	for _, a := range d.handed {
		if !s.sent[a.id] {
			v.Strange++
			v.fault("strange: the %s device of %s was handed %s version %d with the id %.80q, which nobody published",
				d.part, d.user, a.kind, a.version, a.id)
			continue
		}
		first, ok := s.version[a.id]
		if !ok {
			s.version[a.id] = a.version // never answered: the device tells
			continue
		}
		if first != a.version {
			s.twice(v, a.id, first, a.version, "a device was handed both")
		}
	}
}

func (s *identities) twice(v *verdict, id string, first, second int64, how string) {
	if s.reported[id] {
		return
	}
	s.reported[id] = true
	v.StoredTwice++
	v.fault("stored twice: id %s has version %d and version %d: %s", id, first, second, how)
}
