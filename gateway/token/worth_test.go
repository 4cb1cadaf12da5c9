package token

import (
	"errors"
	"testing"
	"time"
)

// Whether a token is worth verifying is asked once it is decoded, before its
// signature is looked at, also of a token that is known.
func TestWorth(t *testing.T) {
	key := edKey("first")
	v := newVerifier(t, map[string][]testKey{"acme": {key}})
	errNot := errors.New("not worth it")
	ask := func(token string, answer error) (asked []Identity, err error) {
		_, err = v.VerifyIf(token, now, func(claimed Identity) error {
			asked = append(asked, claimed)
			return answer
		})
		return asked, err
	}

	good := key.sign(t, nil, goodClaims())
	forged := edKey("first").sign(t, nil, goodClaims())
	for range 2 { // then the good one is known
		for name, token := range map[string]string{"a good token": good, "a forged one": forged} {
			asked, err := ask(token, errNot)
			if err != errNot || len(asked) != 1 || asked[0].Tenant != "acme" || asked[0].User == "" || asked[0].Device == "" || asked[0].ExpiresAt.IsZero() {
				t.Errorf("%s: asked for %+v, and refused with %v", name, asked, err)
			}
		}
		if asked, err := ask(forged, nil); len(asked) != 1 || !errors.Is(err, ErrSignature) {
			t.Errorf("a forged token that is worth it: asked for %+v, %v", asked, err)
		}
		if asked, err := ask(good, nil); len(asked) != 1 || err != nil {
			t.Errorf("a good token that is worth it: asked for %+v, %v", asked, err)
		}
	}

	if asked, err := ask("word", nil); asked != nil || !errors.Is(err, ErrMalformed) {
		t.Errorf("what is no token: asked for %+v, %v", asked, err)
	}
	endless := goodClaims()
	delete(endless, "exp")
	if asked, err := ask(key.sign(t, nil, endless), nil); len(asked) != 1 || asked[0].ExpiresAt != (time.Time{}) || !errors.Is(err, ErrClaims) {
		t.Errorf("a token without an end: asked for %+v, %v", asked, err)
	}
}
