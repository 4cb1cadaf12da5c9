// Package signature signs the calls that hawser makes to services over HTTP,
// and verifies them on the service's side. It imports only the standard
// library, so that a backend can use it or copy it.
//
// The header Hawser-Signature holds a time, in Unix seconds, and one signature
// for each of the tenant's secrets:
//
//	Hawser-Signature: t=1767225600,v1=5f2c...,v1=09ab...
//
// v1 is HMAC-SHA256, in hexadecimal, over the time, five headers and the body,
// each but the last followed by a line feed, which no header can hold: nothing
// that a service relies on can be changed or moved to another call.
//
//	t \n Hawser-Tenant \n Hawser-User \n Hawser-Device \n Hawser-Service \n Hawser-Method \n body
//
// The key is the content of the secret's file without the white space around
// it. A service accepts any signature that fits one of its secrets, ignores
// parts of the header that it does not know, and refuses a time that differs
// from its own clock by more than Window.
package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Headers of a call over HTTP.
const (
	// Header holds the signature.
	Header = "Hawser-Signature"
	// What the signature covers, beside its time and the body.
	HeaderTenant  = "Hawser-Tenant"
	HeaderUser    = "Hawser-User"
	HeaderDevice  = "Hawser-Device"
	HeaderService = "Hawser-Service"
	HeaderMethod  = "Hawser-Method"
)

// Window is how far the time of a signature and the clock of who verifies it
// may be apart. A call that somebody recorded is worth nothing after it.
const Window = 5 * time.Minute

// maxHeader and maxSignatures bound what is looked at.
const (
	maxHeader     = 2048
	maxSignatures = 16
)

// Errors of Verify and VerifyRequest. All mean: answer 401 and do nothing.
var (
	// ErrMalformed: the header is missing, or is not what it should be.
	ErrMalformed = errors.New("the header Hawser-Signature is missing or malformed")
	// ErrMismatch: no signature fits a secret: another secret, or somebody
	// changed the call.
	ErrMismatch = errors.New("no signature in Hawser-Signature fits a secret")
	// ErrWindow: the time is too far from this machine's.
	ErrWindow = errors.New("the time in Hawser-Signature is more than 5 minutes away: an old call, or a clock that is wrong")
)

// Call is what a signature covers beside its time.
type Call struct {
	Tenant, User, Device string
	Service, Method      string
	Body                 []byte
}

// Sign returns the header's value, with one signature for each secret.
func Sign(secrets [][]byte, at time.Time, c Call) string {
	t := strconv.FormatInt(at.Unix(), 10)
	value := "t=" + t
	for _, s := range secrets {
		value += ",v1=" + hex.EncodeToString(c.sum(s, t))
	}
	return value
}

func (c Call) sum(secret []byte, t string) []byte {
	mac := hmac.New(sha256.New, secret)
	for _, part := range [...]string{t, c.Tenant, c.User, c.Device, c.Service, c.Method} {
		mac.Write([]byte(part))
		mac.Write([]byte{'\n'})
	}
	mac.Write(c.Body)
	return mac.Sum(nil)
}

// Verify checks the header's value as of now. The call is genuine if it
// returns nil.
func Verify(value string, secrets [][]byte, now time.Time, c Call) error {
	t, signatures, err := parse(value)
	if err != nil {
		return err
	}
	if strings.Contains(t+c.Tenant+c.User+c.Device+c.Service+c.Method, "\n") {
		return ErrMalformed
	}
	if !fits(secrets, signatures, t, c) {
		return ErrMismatch
	}
	at, err := strconv.ParseInt(t, 10, 64)
	if err != nil || at < 0 {
		return ErrMalformed
	}
	// In whole seconds: the difference of any two times fits them.
	if apart := now.Unix() - at; apart > int64(Window.Seconds()) || apart < -int64(Window.Seconds()) {
		return ErrWindow
	}
	return nil
}

// fits compares in constant time: how long it takes says nothing about how
// near a guess was.
func fits(secrets, signatures [][]byte, t string, c Call) bool {
	for _, s := range secrets {
		want := c.sum(s, t)
		for _, got := range signatures {
			if len(s) > 0 && hmac.Equal(got, want) {
				return true
			}
		}
	}
	return false
}

// parse splits the header's value. Parts of versions that are not known are
// skipped.
func parse(value string) (t string, signatures [][]byte, err error) {
	if len(value) > maxHeader {
		return "", nil, ErrMalformed
	}
	for part := range strings.SplitSeq(value, ",") {
		name, text, ok := strings.Cut(part, "=")
		if !ok {
			return "", nil, ErrMalformed
		}
		switch name {
		case "t":
			if t != "" {
				return "", nil, ErrMalformed
			}
			t = text
		case "v1":
			sum, err := hex.DecodeString(text)
			if err != nil || len(signatures) == maxSignatures {
				return "", nil, ErrMalformed
			}
			signatures = append(signatures, sum)
		}
	}
	if t == "" || len(signatures) == 0 {
		return "", nil, ErrMalformed
	}
	return t, signatures, nil
}
