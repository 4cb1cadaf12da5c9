package pushtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// apnsTokenAge is the age at which Apple calls a provider token expired.
	apnsTokenAge = time.Hour
	// apnsTokenAhead is how far a provider token may come from the future.
	apnsTokenAhead = 5 * time.Second
	// maxBearers bounds the provider tokens that are kept for tests.
	maxBearers = 1000
)

// apnsKey is a provider key of one team.
type apnsKey struct {
	team string
	key  *ecdsa.PrivateKey
}

// AddKey makes another provider key, which a team may send with beside the one
// of the options, and returns it as the .p8 file that Apple hands out. A
// connection takes one key only.
func (a *APNs) AddKey(teamID, keyID string) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("pushtest: key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("pushtest: key: %w", err)
	}
	a.tokenMu.Lock()
	defer a.tokenMu.Unlock()
	a.keys[keyID] = apnsKey{teamID, key}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// RevokeKey makes a provider key invalid.
func (a *APNs) RevokeKey(keyID string) {
	a.tokenMu.Lock()
	defer a.tokenMu.Unlock()
	delete(a.keys, keyID)
}

// Key returns the provider key as the .p8 file that Apple hands out.
func (a *APNs) Key() []byte { return append([]byte(nil), a.p8...) }

// TeamID is the team of the key.
func (a *APNs) TeamID() string { return a.opts.TeamID }

// KeyID is the id of the key.
func (a *APNs) KeyID() string { return a.opts.KeyID }

// ExpireProviderTokens makes provider tokens issued before t expired.
func (a *APNs) ExpireProviderTokens(t time.Time) {
	a.tokenMu.Lock()
	defer a.tokenMu.Unlock()
	a.expiredBefore = t
}

// ProviderTokens returns the different provider tokens that came, in order.
func (a *APNs) ProviderTokens() []string {
	a.tokenMu.Lock()
	defer a.tokenMu.Unlock()
	return append([]string(nil), a.bearers...)
}

// checkBearer verifies the provider token.
func (a *APNs) checkBearer(c *call) Reply {
	text, ok := strings.CutPrefix(c.header.Get("Authorization"), "bearer ")
	if !ok || text == "" {
		return forbidden("MissingProviderToken")
	}
	a.tokenMu.Lock()
	defer a.tokenMu.Unlock()
	claims := &jwt.RegisteredClaims{}
	var used apnsKey
	var keyID string
	_, err := jwt.ParseWithClaims(text, claims, func(t *jwt.Token) (any, error) {
		keyID, _ = t.Header["kid"].(string)
		if used, ok = a.keys[keyID]; !ok {
			return nil, errors.New("another key")
		}
		return &used.key.PublicKey, nil
	}, jwt.WithValidMethods([]string{"ES256"}))
	if err != nil || claims.Issuer != used.team || claims.IssuedAt == nil {
		return forbidden("InvalidProviderToken")
	}
	now, issued := time.Now(), claims.IssuedAt.Time
	if issued.After(now.Add(apnsTokenAhead)) {
		return forbidden("InvalidProviderToken")
	}
	if !slices.Contains(a.bearers, text) && len(a.bearers) < maxBearers {
		a.bearers = append(a.bearers, text)
	}
	if now.Sub(issued) > apnsTokenAge || issued.Before(a.expiredBefore) {
		return forbidden("ExpiredProviderToken")
	}
	return c.memory.present(keyID, text, now, a.opts.TokenEvery)
}

func forbidden(reason string) Reply { return Reply{Status: http.StatusForbidden, Reason: reason} }
