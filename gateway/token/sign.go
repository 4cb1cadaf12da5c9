package token

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Signer mints tokens with an Ed25519 key. It stands in for a tenant's backend
// in dev mode, in tests and in the command hawser token.
type Signer struct {
	// Static after construction.
	id  string
	key ed25519.PrivateKey
}

// GenerateKey makes a key pair: a private JWK for LoadSigner and the JWK set
// of its public half for a Source. The key id is the key's own hash, so two
// generated keys never clash.
func GenerateKey() (private, public []byte, err error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("generate a key: %w", err)
	}
	sum := sha256.Sum256(pub)
	j := jwk{
		KeyType: "OKP", Curve: "Ed25519", Alg: algEdDSA, Use: "sig",
		ID: base64.RawURLEncoding.EncodeToString(sum[:9]),
		X:  base64.RawURLEncoding.EncodeToString(pub),
	}
	if public, err = json.MarshalIndent(map[string][]jwk{"keys": {j}}, "", "  "); err != nil {
		return nil, nil, err
	}
	j.D = base64.RawURLEncoding.EncodeToString(key.Seed())
	private, err = json.MarshalIndent(j, "", "  ")
	return append(private, '\n'), append(public, '\n'), err
}

// WriteKey writes a private JWK to a new file that only its owner can read.
// It does not replace a file: a key that is lost cannot be had again.
func WriteKey(name string, private []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(private)
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}

// LoadSigner reads a private JWK from a file. It refuses a file that others
// can read.
func LoadSigner(name string) (*Signer, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !private(info.Mode()) {
		return nil, fmt.Errorf("%w: %s is readable by others: chmod 600 it", ErrKey, name)
	}
	data, err := readFile(name)
	if err != nil {
		return nil, err
	}
	s, err := ParseSigner(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

func private(mode fs.FileMode) bool { return mode.Perm()&0o077 == 0 }

// ParseSigner reads a private JWK as GenerateKey makes it: kty OKP, crv
// Ed25519, kid, x and d.
func ParseSigner(data []byte) (*Signer, error) {
	var j jwk
	if err := json.Unmarshal(data, &j); err != nil {
		return nil, fmt.Errorf("%w: not a JSON Web Key: %w", ErrKey, jsonFault(err))
	}
	seed, err := member("d", j.D, ed25519.SeedSize)
	if err != nil {
		return nil, fmt.Errorf("%w: not a private Ed25519 key: %w", ErrKey, err)
	}
	j.D = ""
	pub, err := j.public()
	if err != nil {
		return nil, err
	}
	key := ed25519.NewKeyFromSeed(seed)
	if pub.alg != algEdDSA || !key.Public().(ed25519.PublicKey).Equal(pub.key) {
		return nil, fmt.Errorf("%w: %q: x and d are not the halves of one Ed25519 key", ErrKey, pub.id)
	}
	return &Signer{id: pub.id, key: key}, nil
}

// Sign mints a token for id, issued now and valid until id.ExpiresAt. The ids
// must be in the grammar and the expiry after now.
func (s *Signer) Sign(id Identity, now time.Time) (string, error) {
	c := claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Subject:   id.User,
			Audience:  jwt.ClaimStrings{Audience},
			ExpiresAt: jwt.NewNumericDate(id.ExpiresAt),
			IssuedAt:  jwt.NewNumericDate(now),
		},
		Tenant: id.Tenant,
		Device: id.Device,
	}
	if err := c.check(now); err != nil {
		return "", err
	}
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, c)
	t.Header["kid"] = s.id
	return t.SignedString(s.key)
}
