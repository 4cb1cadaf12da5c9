package apns

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"sync"
	"time"

	"github.com/sideshow/apns2/token"

	"github.com/hawser-edge/hawser/push"
)

const (
	// slot is the life of a provider token: Apple wants a new one every 20 to
	// 60 minutes.
	slot = 40 * time.Minute
	// slotLag begins a slot late, so that a clock that is a little fast does
	// not issue tokens in Apple's future.
	slotLag = time.Minute
	// minRefresh is the least time between two forced tokens.
	minRefresh = 20 * time.Minute
	// forcedKeep: a slot that begins this soon after a forced token is left
	// out; the forced one then is 18 + 40 + 1 minutes old at the most.
	forcedKeep = 18 * time.Minute
	// longest is how old a token may become that is kept beyond its slot.
	longest = 55 * time.Minute
)

// bearer issues the provider token of one team and key.
type bearer struct {
	push.Opaque

	// Static after construction.
	team, keyID string
	key         *ecdsa.PrivateKey

	// Guarded by mu.
	mu     sync.Mutex
	issued int64 // iat of text
	text   string
	forced time.Time // when Apple last called a token expired before its time
	kept   time.Time // text is not replaced until then
}

func newBearer(team, keyID string, p8 []byte) (*bearer, error) {
	key, err := token.AuthKeyFromBytes(p8)
	if err != nil {
		return nil, fmt.Errorf("%w: key %s: %s: give the .p8 file from Apple as it is", ErrConfig, keyID, whatKey(p8))
	}
	if key == nil || key.Curve != elliptic.P256() {
		return nil, fmt.Errorf("%w: key %s is not on the curve P-256: give the .p8 file from Apple as it is", ErrConfig, keyID)
	}
	return &bearer{team: team, keyID: keyID, key: key}, nil
}

// get returns the token for this moment.
func (b *bearer) get(now time.Time) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.text != "" && now.Before(b.kept) {
		return b.text, nil
	}
	iat := now.Add(-slotLag).Truncate(slot)
	if !b.forced.IsZero() && iat.Before(b.forced.Add(forcedKeep)) {
		iat = b.forced
	}
	if b.text != "" && b.issued == iat.Unix() {
		return b.text, nil
	}
	text, err := b.sign(iat.Unix())
	if err != nil {
		return "", err
	}
	b.issued, b.text = iat.Unix(), text
	return text, nil
}

// refresh makes get return another token than the rejected one. It reports
// false if that must not be: Apple refuses too many updates.
func (b *bearer) refresh(rejected string, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.text != rejected {
		return true // somebody else did
	}
	if now.Sub(b.forced) < minRefresh || now.Unix() == b.issued || now.Before(b.kept) {
		return false
	}
	b.forced = now
	return true
}

// keep has get return this token for as long as it is good: Apple saw too many
// others.
func (b *bearer) keep(text string, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if good := time.Unix(b.issued, 0).Add(longest); b.text == text && good.After(now) {
		b.kept = good
	}
}

// sign writes the JWT. The signature is deterministic (RFC 6979), which JWT
// libraries do not offer: the same second gives the same bytes everywhere.
func (b *bearer) sign(iat int64) (string, error) {
	header, err := json.Marshal(map[string]string{"alg": "ES256", "kid": b.keyID})
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{"iss": b.team, "iat": iat})
	if err != nil {
		return "", err
	}
	enc := base64.RawURLEncoding
	signed := enc.EncodeToString(header) + "." + enc.EncodeToString(claims)
	digest := sha256.Sum256([]byte(signed))
	der, err := b.key.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("apns: signing the provider token: %w", err)
	}
	var sig struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &sig); err != nil {
		return "", fmt.Errorf("apns: signing the provider token: %w", err)
	}
	raw := make([]byte, 64)
	sig.R.FillBytes(raw[:32])
	sig.S.FillBytes(raw[32:])
	return signed + "." + enc.EncodeToString(raw), nil
}
