package push

import (
	"context"
	"fmt"
	"time"
)

// Checker is a Provider whose credential can be tried, and whose answers can be
// put in words.
type Checker interface {
	Provider
	// Check tries the credential without reaching any device. It waits no
	// longer than ctx allows and is safe for concurrent use.
	Check(ctx context.Context) Diagnosis
	// Explain says in words what an answer of this provider means.
	Explain(r Result) Diagnosis
}

// Finding is what is known of a credential.
type Finding int

const (
	// CredentialUnknown: nobody could say. The push service was not reached
	// or has trouble of its own.
	CredentialUnknown Finding = iota
	// CredentialWorks: the push service took it.
	CredentialWorks
	// CredentialRefused: the push service refuses it for this application.
	CredentialRefused
)

// String returns unknown, works or refused.
func (f Finding) String() string {
	switch f {
	case CredentialWorks:
		return "works"
	case CredentialRefused:
		return "refused"
	default:
		return "unknown"
	}
}

// Diagnosis says in plain words what is wrong, for the operator of an
// application. It never holds a key, a token or content.
type Diagnosis struct {
	Finding Finding
	// Reason is the push service's own word or status, of a bounded set.
	// Empty if there is nothing to say.
	Reason string
	// Problem says what is wrong and Remedy what to do about it, a sentence
	// each. A credential that works may have them too: the token or the
	// message was at fault. Empty if all is well.
	Problem, Remedy string
}

// Advice is what the log says of a failure: what is wrong and what to do.
func (d Diagnosis) Advice() string { return d.Problem + " " + d.Remedy }

// String returns all of it in one line.
func (d Diagnosis) String() string {
	s := "credential " + d.Finding.String()
	if d.Reason != "" {
		s += " (" + d.Reason + ")"
	}
	if d.Problem != "" {
		s += ": " + d.Problem
	}
	if d.Remedy != "" {
		s += " " + d.Remedy
	}
	return s
}

// clockTolerance is how far a clock may be off before it is called wrong:
// providers take a minute either way.
const clockTolerance = time.Minute

// ClockOff diagnoses a clock from the time that a push service wrote into an
// answer; ok is false if the clock is right, or date is zero.
func ClockOff(date, now time.Time) (d Diagnosis, ok bool) {
	off := now.Sub(date)
	if date.IsZero() || off.Abs() <= clockTolerance {
		return Diagnosis{}, false
	}
	how := "fast"
	if off < 0 {
		how = "slow"
	}
	return Diagnosis{
		Finding: CredentialRefused,
		Problem: fmt.Sprintf("the clock of this machine is %s %s by the push service's.", off.Abs().Round(time.Second), how),
		Remedy:  "Have the clock set from the network (NTP); the credential itself may be good.",
	}, true
}
