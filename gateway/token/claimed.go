package token

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// Claimed is whom a token names and when it says that it ends, without a look
// at who signed it: for what has to be decided before it is worth verifying
// anything. It is false for what no Verifier takes.
func Claimed(token string) (Identity, bool) {
	if len(token) > MaxBytes {
		return Identity{}, false
	}
	_, rest, _ := strings.Cut(token, ".")
	payload, _, ok := strings.Cut(rest, ".")
	if !ok {
		return Identity{}, false
	}
	text, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return Identity{}, false
	}
	var c struct {
		Tenant string           `json:"tid"`
		User   string           `json:"sub"`
		Device string           `json:"did"`
		End    *jwt.NumericDate `json:"exp"`
	}
	if json.Unmarshal(text, &c) != nil || !validID(c.Tenant) || !validID(c.User) || !validID(c.Device) || c.End == nil {
		return Identity{}, false
	}
	return Identity{Tenant: c.Tenant, User: c.User, Device: c.Device, ExpiresAt: c.End.Time}, true
}
