package inbox

import "time"

const (
	// forgottenFor is how long nothing of a user is answered from a tail after
	// Forget: for a minute events of his may be read that are about to be
	// removed, and those are remembered for tailAge.
	forgottenFor = time.Minute + tailAge
	// maxForgotten bounds those who are known by name. Where they are more,
	// all users are forgotten.
	maxForgotten = 1 << 14
)

// forgotten is of whom the log is asked for a while. The zero value is ready; it
// has no clock and no lock.
type forgotten struct {
	until map[User]time.Time
	order []forgottenUser // by until
	all   time.Time       // until when everybody is
}

type forgottenUser struct {
	User
	until time.Time
}

func (f *forgotten) add(u User, now time.Time) {
	for len(f.order) > 0 && !now.Before(f.order[0].until) {
		if first := f.order[0]; f.until[first.User].Equal(first.until) {
			delete(f.until, first.User)
		}
		f.order = f.order[1:]
	}
	until := now.Add(forgottenFor)
	if len(f.order) >= maxForgotten {
		*f = forgotten{all: until}
		return
	}
	if f.until == nil {
		f.until = make(map[User]time.Time)
	}
	f.until[u] = until
	f.order = append(f.order, forgottenUser{u, until})
}

func (f *forgotten) has(u User, now time.Time) bool {
	return now.Before(f.all) || now.Before(f.until[u])
}
