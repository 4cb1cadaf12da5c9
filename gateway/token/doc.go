// Package token mints and verifies the JWT by which a device proves who it is.
//
// A token is signed by the tenant's backend and carries sub (the user), tid
// (the tenant), did (the device), exp and aud "hawser". The tenant is a claim,
// but it only chooses among keys: the keys of one tenant's files are never
// tried for a token that names another, so a tenant can vouch for nobody but
// its own users. The algorithm belongs to the key and is never taken from the
// token's header, which rules out "none", HMAC with a public key, and every
// other confusion of algorithms.
//
// No error of this package contains any part of a token but its key id.
package token
