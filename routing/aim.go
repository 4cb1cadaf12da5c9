package routing

// Aim says where a request to the routers goes, each time that it is sent: to
// one that was heard just now, then to another one, then to whoever is in the
// queue group, and so on. The group alone would not do: a router that is stopped
// stays in it until NATS drops its connection, and NATS hands it every request
// from its own server. For use by one goroutine.
type Aim struct {
	// Static after construction.
	request string
	router  func(besides string) string

	asked int
	at    string // the router that was asked last; empty: the group was
	group bool   // only the group is left to ask
}

// groupEvery is how often the group's turn comes: for routers that beat, but do
// not answer to their names.
const groupEvery = 3

// NewAim begins a request, which is named as for the queue group. router names
// one that was heard just now, another one than besides if there is any; empty:
// none is known. A nil router stands for that.
func NewAim(request string, router func(besides string) string) *Aim {
	return &Aim{request: request, router: router}
}

// Next is the subject of one more attempt.
func (a *Aim) Next() string {
	a.asked++
	if a.router == nil || a.group || a.asked%groupEvery == 0 {
		a.at = ""
		return a.request
	}
	if a.at = a.router(a.at); a.at == "" {
		return a.request
	}
	return AtRouter(a.at, a.request)
}

// Asked is the number of attempts so far.
func (a *Aim) Asked() int { return a.asked }

// Elsewhere says that the router which was asked last is not the one to ask: it
// left, or does not know what this is about. From now on the group is asked. It
// reports false where that was asked already.
func (a *Aim) Elsewhere() bool {
	named := a.at != ""
	a.group = a.group || named
	return named
}
