package remote

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hawser-edge/hawser/push/pushtest"
)

// Providers that a Script can name.
const (
	APNs = "apns"
	FCM  = "fcm"
)

// Script changes what a simulator does. What is absent stays as it is.
type Script struct {
	// Provider is APNs or FCM.
	Provider string `json:"provider"`
	// Pace is how long the service takes.
	Pace *Pace `json:"pace,omitempty"`
	// BlackHole and Freeze are those of the simulators.
	BlackHole *bool `json:"black_hole,omitempty"`
	Freeze    *bool `json:"freeze,omitempty"`
	// Answers are for the next requests, one each; Tokens for every request of
	// a token, Forget lists tokens without one.
	Answers []Reply          `json:"answers,omitempty"`
	Tokens  map[string]Reply `json:"tokens,omitempty"`
	Forget  []string         `json:"forget,omitempty"`
	// Online, Offline and Clear list tokens of devices: those that come back or
	// go away, and those whose users clear their notifications away.
	Online  []string `json:"online,omitempty"`
	Offline []string `json:"offline,omitempty"`
	Clear   []string `json:"clear,omitempty"`
	// Do is one of "goaway", "silence", "cut" (all open connections), "revoke"
	// (FCM's access tokens) and "reset" (forget what was received).
	Do string `json:"do,omitempty"`
}

// Pace is a pushtest.Pace in JSON: two times in milliseconds, each spread evenly
// between 0 and twice the value if Spread is set.
type Pace struct {
	AcceptMS int64 `json:"accept_ms"`
	AnswerMS int64 `json:"answer_ms"`
	Spread   bool  `json:"spread,omitempty"`
}

func (p Pace) pace() pushtest.Pace {
	of := func(n int64) func() time.Duration {
		return func() time.Duration {
			if p.Spread && n > 0 {
				return rand.N(2 * ms(n))
			}
			return ms(n)
		}
	}
	return pushtest.Pace{Accept: of(p.AcceptMS), Answer: of(p.AnswerMS)}
}

// Reply is a pushtest.Reply in JSON.
type Reply struct {
	Status       int            `json:"status,omitempty"`
	Reason       string         `json:"reason,omitempty"`
	RetryAfterMS int64          `json:"retry_after_ms,omitempty"`
	RetryDate    bool           `json:"retry_date,omitempty"`
	DateMS       int64          `json:"date_ms,omitempty"`
	TimestampMS  int64          `json:"timestamp_ms,omitempty"`
	Raw          string         `json:"raw,omitempty"`
	ContentType  string         `json:"content_type,omitempty"`
	Break        pushtest.Break `json:"break,omitempty"`
}

func (r Reply) reply() pushtest.Reply {
	out := pushtest.Reply{
		Status: r.Status, Reason: r.Reason, RetryAfter: ms(r.RetryAfterMS), RetryDate: r.RetryDate,
		Raw: r.Raw, ContentType: r.ContentType, Break: r.Break,
	}
	if r.DateMS != 0 {
		out.Date = time.UnixMilli(r.DateMS)
	}
	if r.TimestampMS != 0 {
		out.Timestamp = time.UnixMilli(r.TimestampMS)
	}
	return out
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// ErrScript is wrapped by complaints about a Script.
var ErrScript = errors.New("pushsim: script")

// simulator is what both have.
type simulator interface {
	SetPace(pushtest.Pace)
	BlackHole(bool)
	Freeze(bool)
	Answer(...pushtest.Reply)
	AnswerToken(string, pushtest.Reply)
	ForgetToken(string)
	GoAway()
	Silence()
	Cut()
	Reset()
	Load() pushtest.Load
	Connections() int
	SetOnline(token string, online bool)
	Clear(token string)
	Seen(token string) pushtest.Seen
	RequestsAfter(after int64, limit int) []pushtest.Request
}

// play does what a script says.
func (h *handler) play(s Script) error {
	sim := h.sims[s.Provider]
	if sim == nil {
		return fmt.Errorf("%w: provider %q: use apns or fcm", ErrScript, s.Provider)
	}
	if err := h.do(sim, s.Do); err != nil {
		return err
	}
	set(s.Pace, func(p Pace) { sim.SetPace(p.pace()) })
	set(s.BlackHole, sim.BlackHole)
	set(s.Freeze, sim.Freeze)
	for _, r := range s.Answers {
		sim.Answer(r.reply())
	}
	for token, r := range s.Tokens {
		sim.AnswerToken(token, r.reply())
	}
	each(s.Forget, sim.ForgetToken)
	each(s.Online, func(token string) { sim.SetOnline(token, true) })
	each(s.Offline, func(token string) { sim.SetOnline(token, false) })
	each(s.Clear, sim.Clear)
	return nil
}

func each(tokens []string, do func(string)) {
	for _, token := range tokens {
		do(token)
	}
}

func set[T any](value *T, to func(T)) {
	if value != nil {
		to(*value)
	}
}

func (h *handler) do(sim simulator, what string) error {
	switch what {
	case "":
	case "goaway":
		sim.GoAway()
	case "silence":
		sim.Silence()
	case "cut":
		sim.Cut()
	case "reset":
		sim.Reset()
	case "revoke":
		h.fcm.RevokeAccessTokens()
	default:
		return fmt.Errorf("%w: do %q: use goaway, silence, cut, revoke or reset", ErrScript, what)
	}
	return nil
}
