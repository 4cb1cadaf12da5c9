package token_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/hawser-edge/hawser/gateway/token"
)

func TestClaimed(t *testing.T) {
	with := func(claims string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".AA"
	}
	good := with(`{"tid":"acme","sub":"anna","did":"phone","exp":1700000000}`)
	if id, ok := token.Claimed(good); !ok || id.Tenant != "acme" || id.User != "anna" || id.Device != "phone" || id.ExpiresAt.Unix() != 1_700_000_000 {
		t.Errorf("Claimed = %+v, %t", id, ok)
	}
	for name, bad := range map[string]string{
		"nothing": "", "a word": "word", "two parts": "a.b", "no base64": "a.!.c", "no JSON": with("word"),
		"no device":  with(`{"tid":"acme","sub":"anna","exp":1700000000}`),
		"no time":    with(`{"tid":"acme","sub":"anna","did":"phone","exp":"soon"}`),
		"no end":     with(`{"tid":"acme","sub":"anna","did":"phone"}`),
		"no user id": with(`{"tid":"acme","sub":"an na","did":"phone","exp":1700000000}`),
		"too long":   good + strings.Repeat("A", token.MaxBytes),
	} {
		if id, ok := token.Claimed(bad); ok {
			t.Errorf("%s: %+v", name, id)
		}
	}
}
