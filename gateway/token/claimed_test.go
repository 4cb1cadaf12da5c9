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
	good := with(`{"tid":"acme","sub":"anna","did":"phone","exp":"soon"}`)
	if id, ok := token.Claimed(good); !ok || id.Tenant != "acme" || id.User != "anna" || id.Device != "phone" {
		t.Errorf("Claimed = %+v, %t", id, ok)
	}
	for name, bad := range map[string]string{
		"nothing": "", "a word": "word", "two parts": "a.b", "no base64": "a.!.c", "no JSON": with("word"),
		"no device":  with(`{"tid":"acme","sub":"anna"}`),
		"no user id": with(`{"tid":"acme","sub":"an na","did":"phone"}`),
		"too long":   good + strings.Repeat("A", token.MaxBytes),
	} {
		if id, ok := token.Claimed(bad); ok {
			t.Errorf("%s: %+v", name, id)
		}
	}
}
