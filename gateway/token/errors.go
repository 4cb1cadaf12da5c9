package token

import "errors"

// Each reason to refuse a token. The text is made to be shown to whoever
// builds the application: it says what is wrong and what to do, and holds
// nothing of the token.
var (
	ErrMalformed  = errors.New("the token is not a signed JWT of at most 4096 bytes: send the JWT of your backend unchanged, without \"Bearer\" and without spaces")
	ErrTenant     = errors.New("the token's tid names no tenant of this edge: set tid to the tenant's name in hawser's configuration")
	ErrUnknownKey = errors.New("the token's kid is not among the tenant's keys: add the public key to the tenant's JWKS file, or sign with a key that is there")
	ErrAlgorithm  = errors.New("the token's alg is not the one of its key: sign with EdDSA, ES256 or RS256 as the key's type demands")
	ErrSignature  = errors.New("the token's signature does not match its key: sign with the private half of the key that kid names")
	ErrExpired    = errors.New("the token has expired: fetch a new one from your backend")
	ErrNotYet     = errors.New("the token is not valid yet: set the clock of the backend that signs, or wait until its nbf and iat")
	ErrAudience   = errors.New("the token is meant for somebody else: set aud to \"hawser\"")
	ErrClaims     = errors.New("the token's claims are incomplete: it needs sub, tid, did and exp")
)

// ErrKey marks a key, or a file of keys, that this package does not accept.
var ErrKey = errors.New("unusable key")
