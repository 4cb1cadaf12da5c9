package signature

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// MaxBody bounds a call's body, in bytes: a device's frame holds no more.
const MaxBody = 64 << 10

// ErrTooLarge: the body is greater than any that hawser sends.
var ErrTooLarge = errors.New("the body is greater than 64 KiB")

// VerifyRequest reads a request's body and checks that hawser sent it. It
// returns what was signed: user and device may be relied on, hawser has
// verified their token.
func VerifyRequest(r *http.Request, secrets ...[]byte) (Call, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	if err != nil {
		return Call{}, err
	}
	if len(body) > MaxBody {
		return Call{}, ErrTooLarge
	}
	c := Call{
		Tenant: r.Header.Get(HeaderTenant), User: r.Header.Get(HeaderUser), Device: r.Header.Get(HeaderDevice),
		Service: r.Header.Get(HeaderService), Method: r.Header.Get(HeaderMethod), Body: body,
	}
	if err := Verify(r.Header.Get(Header), secrets, time.Now(), c); err != nil {
		return Call{}, err
	}
	return c, nil
}

// SetHeaders puts what c names, and its signatures, into a request's headers.
func SetHeaders(h http.Header, secrets [][]byte, at time.Time, c Call) {
	h.Set(HeaderTenant, c.Tenant)
	h.Set(HeaderUser, c.User)
	h.Set(HeaderDevice, c.Device)
	h.Set(HeaderService, c.Service)
	h.Set(HeaderMethod, c.Method)
	h.Set(Header, Sign(secrets, at, c))
}
