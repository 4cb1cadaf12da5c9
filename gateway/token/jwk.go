package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
)

// Bounds on what a file of keys may hold.
const (
	maxKeysBytes = 1 << 20 // a file of keys
	maxKeys      = 64      // keys in one file
	maxKeyID     = 128     // bytes of a kid
	minRSABits   = 2048
	maxRSABits   = 8192 // verification grows with the square: a bound on its cost
)

// The algorithms, as JWS spells them (RFC 7518 section 3.1, RFC 8037).
const (
	algEdDSA = "EdDSA"
	algES256 = "ES256"
	algRS256 = "RS256"
)

// publicKey is one key of a tenant. The algorithm is the key's, never the
// token's.
type publicKey struct {
	id  string
	alg string
	key crypto.PublicKey
}

// jwk is the part of RFC 7517 that is read here. Members that are not listed
// are ignored, as the RFC asks.
type jwk struct {
	KeyType string `json:"kty"`
	ID      string `json:"kid,omitempty"`
	Alg     string `json:"alg,omitempty"`
	Use     string `json:"use,omitempty"`
	Curve   string `json:"crv,omitempty"`
	X       string `json:"x,omitempty"`
	Y       string `json:"y,omitempty"`
	N       string `json:"n,omitempty"`
	E       string `json:"e,omitempty"`
	D       string `json:"d,omitempty"`
	K       string `json:"k,omitempty"`
}

// parseKeys reads a JWK set of public keys. A set with one bad key is refused
// as a whole: a key that silently does not count is found out by users.
func parseKeys(data []byte) ([]publicKey, error) {
	if len(data) > maxKeysBytes {
		return nil, fmt.Errorf("%w: the file is larger than %d bytes", ErrKey, maxKeysBytes)
	}
	var set struct {
		Keys []jwk `json:"keys"`
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, fmt.Errorf("%w: not a JSON Web Key Set, which looks like {\"keys\":[...]}: %w", ErrKey, jsonFault(err))
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("%w: %d keys in one file, at most %d", ErrKey, len(set.Keys), maxKeys)
	}
	keys := make([]publicKey, 0, len(set.Keys))
	for i, j := range set.Keys {
		if j.Use == "enc" {
			continue // encrypts, never signs: no business of ours
		}
		key, err := j.public()
		if err != nil {
			return nil, fmt.Errorf("keys[%d]: %w", i, err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: the set holds no key that verifies, so nobody could connect", ErrKey)
	}
	return keys, nil
}

// public checks one key and pins its algorithm.
func (j jwk) public() (publicKey, error) {
	if j.ID == "" || len(j.ID) > maxKeyID {
		return publicKey{}, fmt.Errorf("%w: kid is required, 1 to %d bytes", ErrKey, maxKeyID)
	}
	if j.KeyType == "oct" || j.K != "" {
		return publicKey{}, fmt.Errorf("%w: %q is a shared secret (HMAC): who can verify could also sign, use an Ed25519, P-256 or RSA key", ErrKey, j.ID)
	}
	if j.D != "" {
		return publicKey{}, fmt.Errorf("%w: %q is a private key: leave only its public half in this file, and replace the key if others could read it", ErrKey, j.ID)
	}
	if j.Use != "" && j.Use != "sig" {
		return publicKey{}, fmt.Errorf("%w: %q has use %.20q, want \"sig\"", ErrKey, j.ID, j.Use)
	}
	alg, key, err := j.material()
	if err != nil {
		return publicKey{}, fmt.Errorf("%w: %q: %w", ErrKey, j.ID, err)
	}
	if j.Alg != "" && j.Alg != alg {
		return publicKey{}, fmt.Errorf("%w: %q has alg %.20q, but such a key signs with %s here", ErrKey, j.ID, j.Alg, alg)
	}
	return publicKey{id: j.ID, alg: alg, key: key}, nil
}

// material decodes the key by its type.
func (j jwk) material() (alg string, key crypto.PublicKey, err error) {
	switch {
	case j.KeyType == "OKP" && j.Curve == "Ed25519":
		key, err = j.ed25519()
		return algEdDSA, key, err
	case j.KeyType == "EC" && j.Curve == "P-256":
		key, err = j.p256()
		return algES256, key, err
	case j.KeyType == "RSA":
		key, err = j.rsa()
		return algRS256, key, err
	}
	return "", nil, fmt.Errorf("kty %.20q with crv %.20q is not supported, use Ed25519, P-256 or RSA, or take the key out of the file", j.KeyType, j.Curve)
}

func (j jwk) ed25519() (ed25519.PublicKey, error) {
	x, err := member("x", j.X, ed25519.PublicKeySize)
	return ed25519.PublicKey(x), err
}

func (j jwk) p256() (*ecdsa.PublicKey, error) {
	x, err := member("x", j.X, 32)
	if err != nil {
		return nil, err
	}
	y, err := member("y", j.Y, 32)
	if err != nil {
		return nil, err
	}
	point := append(append([]byte{4}, x...), y...)
	// Refuses a point that is not on the curve.
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, errors.New("x and y are not a point of P-256")
	}
	return key, nil
}

func (j jwk) rsa() (*rsa.PublicKey, error) {
	n, err := member("n", j.N, 0)
	if err != nil {
		return nil, err
	}
	e, err := member("e", j.E, 0)
	if err != nil {
		return nil, err
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(n)}
	if bits := key.N.BitLen(); bits < minRSABits || bits > maxRSABits || key.N.Bit(0) == 0 {
		return nil, fmt.Errorf("an RSA key of %d bits: want an odd modulus of %d to %d bits", bits, minRSABits, maxRSABits)
	}
	exponent := new(big.Int).SetBytes(e)
	if exponent.BitLen() > 31 || exponent.Int64() < 3 || exponent.Bit(0) == 0 {
		return nil, errors.New("e is not a usable RSA exponent, which is AQAB nearly everywhere")
	}
	key.E = int(exponent.Int64())
	return key, nil
}

// member decodes one base64url member. A size of 0 leaves the length open.
func member(name, value string, size int) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(value)
	if err != nil || len(b) == 0 {
		return nil, fmt.Errorf("%s is missing or not base64url without padding", name)
	}
	if size != 0 && len(b) != size {
		return nil, fmt.Errorf("%s has %d bytes, want %d", name, len(b), size)
	}
	return b, nil
}

// jsonFault keeps the place of a JSON error and drops the text around it,
// which could be part of a private key.
func jsonFault(err error) error {
	switch e := err.(type) {
	case *json.SyntaxError:
		return fmt.Errorf("syntax error at byte %d", e.Offset)
	case *json.UnmarshalTypeError:
		return fmt.Errorf("wrong type at byte %d", e.Offset)
	}
	return errors.New("unreadable JSON")
}
