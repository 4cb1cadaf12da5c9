package pushtest

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	grantJWT     = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	scopeMessage = "https://www.googleapis.com/auth/firebase.messaging"
	scopeCloud   = "https://www.googleapis.com/auth/cloud-platform"
)

// RevokeAccessTokens makes every access token issued so far invalid, before
// its time.
func (f *FCM) RevokeAccessTokens() {
	f.oauthMu.Lock()
	defer f.oauthMu.Unlock()
	clear(f.access)
}

// AccessTokensIssued returns how many access tokens were asked for and given.
func (f *FCM) AccessTokensIssued() int {
	f.oauthMu.Lock()
	defer f.oauthMu.Unlock()
	return f.issued
}

// AnswerOAuth prepares the next answers of the token endpoint. Reason is the
// OAuth error, for instance "invalid_grant". None: those that were prepared are
// forgotten.
func (f *FCM) AnswerOAuth(replies ...Reply) {
	f.oauthMu.Lock()
	defer f.oauthMu.Unlock()
	if len(replies) == 0 {
		f.oauthReplies = nil
	}
	f.oauthReplies = append(f.oauthReplies, replies...)
}

func (f *FCM) authorized(header string) bool {
	token, ok := strings.CutPrefix(header, "Bearer ")
	f.oauthMu.Lock()
	defer f.oauthMu.Unlock()
	expiry, known := f.access[token]
	return ok && known && time.Now().Before(expiry)
}

// serveToken answers a JWT bearer grant.
func (f *FCM) serveToken(body []byte) answer {
	f.oauthMu.Lock()
	defer f.oauthMu.Unlock()
	if len(f.oauthReplies) > 0 {
		r := f.oauthReplies[0]
		f.oauthReplies = f.oauthReplies[1:]
		return r.answer(oauthError(r.Reason))
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("grant_type") != grantJWT {
		return Reply{Status: http.StatusBadRequest}.answer(oauthError("unsupported_grant_type"))
	}
	if problem := f.checkAssertion(form.Get("assertion")); problem != nil {
		return Reply{Status: http.StatusBadRequest}.answer(oauthError("invalid_grant"))
	}
	raw := make([]byte, 16)
	_, _ = rand.Read(raw)
	token := "sim." + hex.EncodeToString(raw)
	f.access[token] = time.Now().Add(f.opts.AccessTokenTTL)
	f.issued++
	out, _ := json.Marshal(map[string]any{ // text and a number
		"access_token": token, "token_type": "Bearer", "expires_in": int(f.opts.AccessTokenTTL / time.Second),
	})
	return newAnswer(http.StatusOK, "application/json", out)
}

type assertionClaims struct {
	jwt.RegisteredClaims
	Scope string `json:"scope"`
}

func (f *FCM) checkAssertion(assertion string) error {
	claims := &assertionClaims{}
	_, err := jwt.ParseWithClaims(assertion, claims, func(t *jwt.Token) (any, error) {
		if t.Header["kid"] != fcmKeyID {
			return nil, errors.New("another key")
		}
		return &f.key.PublicKey, nil
	}, jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(f.email()), jwt.WithAudience(f.tokenURL()),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(10*time.Second))
	switch {
	case err != nil:
		return err
	case claims.IssuedAt == nil || claims.ExpiresAt.Sub(claims.IssuedAt.Time) > time.Hour+time.Minute:
		return errors.New("lives too long")
	case !strings.Contains(claims.Scope, scopeMessage) && !strings.Contains(claims.Scope, scopeCloud):
		return errors.New("scope")
	}
	return nil
}

func oauthError(reason string) []byte {
	body, _ := json.Marshal(map[string]string{"error": reason, "error_description": "simulated"}) // text
	return body
}
