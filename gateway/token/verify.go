package token

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Audience is the aud claim of every token for hawser.
const Audience = "hawser"

// MaxBytes is the greatest length of a token.
const MaxBytes = 4096

// skew is how far the clocks of two machines may differ.
const skew = 60 * time.Second

// maxUnix bounds exp, nbf and iat (the year 10,680): beyond it the conversion
// of a JSON number to a time is not defined.
const maxUnix = 1 << 38

// Identity is who a verified token speaks for.
type Identity struct {
	Tenant, User, Device string
	// ExpiresAt is the token's exp. A device whose clock runs behind may use
	// the token up to 60 s longer.
	ExpiresAt time.Time
	// IssuedAt is the token's iat, zero where it has none. Sign sets it by
	// itself.
	IssuedAt time.Time
}

// Expired reports whether no Verifier takes the token any more.
func (id Identity) Expired(now time.Time) bool { return !now.Before(id.ExpiresAt.Add(skew)) }

// claims is what is read of a token. The registered ones are checked here and
// not by the library, to name each fault.
type claims struct {
	jwt.RegisteredClaims
	Tenant string `json:"tid"`
	Device string `json:"did"`
}

// parser is without state and shared. The list of methods is a second fence:
// the first is that a key knows its algorithm.
func newParser() *jwt.Parser {
	return jwt.NewParser(
		jwt.WithValidMethods([]string{algEdDSA, algES256, algRS256}),
		jwt.WithStrictDecoding(),
		jwt.WithoutClaimsValidation(),
	)
}

// Verify checks a token as of now and says who it speaks for. The error wraps
// one of ErrMalformed, ErrTenant, ErrUnknownKey, ErrAlgorithm, ErrSignature,
// ErrExpired, ErrNotYet, ErrAudience and ErrClaims. It is safe for concurrent
// use.
func (v *Verifier) Verify(token string, now time.Time) (Identity, error) {
	return v.VerifyIf(token, now, func(Identity) error { return nil })
}

// VerifyIf is Verify for who decides by what the token says of itself whether
// it is worth verifying: worth is asked once the token is decoded, before its
// signature is looked at, and its error is returned as it is. Of what it is
// handed nothing is proven, nor that anything is there at all.
func (v *Verifier) VerifyIf(token string, now time.Time, worth func(claimed Identity) error) (Identity, error) {
	if token == "" || len(token) > MaxBytes {
		return Identity{}, ErrMalformed
	}
	// The decoder skips line breaks, but a token with one cannot be passed on to
	// backends in a header.
	if strings.ContainsAny(token, "\r\n") {
		return Identity{}, fmt.Errorf("%w (it holds a line break, as at the end of a file)", ErrMalformed)
	}
	trusted := v.keys.Load()
	l := lookup{keys: trusted.keys, worth: worth}
	if err := v.prove(&l, trusted, token); err != nil {
		return Identity{}, l.refusal(err)
	}
	if err := l.claims.check(now); err != nil {
		return Identity{}, err
	}
	return l.claims.identity(), nil
}

// prove decodes a token, and checks its signature unless the very same token
// was checked with the same keys before.
func (v *Verifier) prove(l *lookup, trusted *trusted, token string) error {
	f := trusted.fingerprint(token)
	if trusted.knows(f) {
		if _, _, err := v.parser.ParseUnverified(token, &l.claims); err != nil {
			return err
		}
		return l.decoded()
	}
	_, err := v.parser.ParseWithClaims(token, &l.claims, l.key)
	if err == nil {
		trusted.remember(f)
	}
	return err
}

// lookup is the state of one verification: the library asks it for the key
// once the claims are decoded.
type lookup struct {
	keys   keyRing
	worth  func(Identity) error
	claims claims
	asked  bool
	err    error // ours or worth's, where the key was refused
}

// decoded asks whether what was decoded is worth going on with.
func (l *lookup) decoded() error {
	l.err = l.worth(l.claims.identity())
	return l.err
}

func (l *lookup) key(t *jwt.Token) (key any, err error) {
	l.asked = true
	if err := l.decoded(); err != nil {
		return nil, err
	}
	key, l.err = l.find(t)
	return key, l.err
}

// find returns the key that must have signed t, out of the keys of the tenant
// that t names and of no other.
func (l *lookup) find(t *jwt.Token) (any, error) {
	if _, ok := t.Header["crit"]; ok {
		return nil, fmt.Errorf("%w (it has a crit header, which no extension here understands)", ErrMalformed)
	}
	keys, ok := l.keys[l.claims.Tenant]
	if !ok {
		return nil, ErrTenant
	}
	id, _ := t.Header["kid"].(string)
	if id == "" {
		return nil, fmt.Errorf("%w (it has no kid at all)", ErrUnknownKey)
	}
	key, ok := keys[id]
	if !ok {
		return nil, fmt.Errorf("%w (kid %.64q)", ErrUnknownKey, id)
	}
	if t.Method.Alg() != key.alg {
		return nil, fmt.Errorf("%w (%s)", ErrAlgorithm, key.alg)
	}
	return key.key, nil
}

// refusal turns an error of the library, whose text may quote the token, into
// one of ours.
func (l *lookup) refusal(err error) error {
	switch {
	case l.err != nil:
		return l.err
	case errors.Is(err, jwt.ErrTokenMalformed):
		return ErrMalformed
	case !l.asked: // decoded, but with an alg that no key could have
		return ErrAlgorithm
	}
	return ErrSignature
}

// identity is whom the claims name.
func (c *claims) identity() Identity {
	id := Identity{Tenant: c.Tenant, User: c.Subject, Device: c.Device}
	if c.ExpiresAt != nil {
		id.ExpiresAt = c.ExpiresAt.Time
	}
	if c.IssuedAt != nil {
		id.IssuedAt = c.IssuedAt.Time
	}
	return id
}

func (c *claims) check(now time.Time) error {
	if err := c.checkTimes(now); err != nil {
		return err
	}
	if !slices.Contains(c.Audience, Audience) {
		return ErrAudience
	}
	for _, id := range []struct{ name, value string }{{"sub", c.Subject}, {"tid", c.Tenant}, {"did", c.Device}} {
		if !validID(id.value) {
			return fmt.Errorf("%w (%s must match [A-Za-z0-9_-]{1,64})", ErrClaims, id.name)
		}
	}
	return nil
}

func (c *claims) checkTimes(now time.Time) error {
	for _, t := range []*jwt.NumericDate{c.ExpiresAt, c.NotBefore, c.IssuedAt} {
		if t != nil && (t.Unix() < 0 || t.Unix() > maxUnix) {
			return fmt.Errorf("%w (exp, nbf and iat are seconds since 1970)", ErrClaims)
		}
	}
	if c.ExpiresAt == nil {
		return fmt.Errorf("%w (exp is missing)", ErrClaims)
	}
	if (Identity{ExpiresAt: c.ExpiresAt.Time}).Expired(now) {
		return ErrExpired
	}
	for _, t := range []*jwt.NumericDate{c.NotBefore, c.IssuedAt} {
		if t != nil && now.Add(skew).Before(t.Time) {
			return ErrNotYet
		}
	}
	return nil
}
