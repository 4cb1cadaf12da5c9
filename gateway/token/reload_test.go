package token

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRunReloads(t *testing.T) {
	first, second := edKey("first"), edKey("second")
	name := writeFile(t, "acme.json", jwks(first.jwk))
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		v, err := NewVerifier([]Source{{"acme", name}}, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- v.Run(ctx) }()

		accepts := func(k testKey, want error) {
			t.Helper()
			if _, err := v.Verify(k.sign(t, nil, goodClaims()), now); !errors.Is(err, want) {
				t.Errorf("key %s: %v, want %v", k.jwk.ID, err, want)
			}
		}
		next := func() { time.Sleep(pollEvery); synctest.Wait() }

		accepts(second, ErrUnknownKey)
		replace(t, name, jwks(second.jwk))
		next()
		accepts(second, nil)
		accepts(first, ErrUnknownKey)

		replace(t, name, []byte(`{"keys":[{"d":"SECRET"`))
		next()
		next()
		accepts(second, nil)
		if got := v.ReloadFailures(); got != 2 {
			t.Errorf("%d failures counted, want 2", got)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		next()
		accepts(second, nil)

		replace(t, name, jwks(first.jwk, second.jwk))
		next()
		accepts(first, nil)
		if got := strings.Count(log.String(), "not reloaded"); got != 2 {
			t.Errorf("two faults were logged %d times:\n%s", got, &log)
		}
		if strings.Contains(log.String(), "SECRET") {
			t.Error("the log shows a key")
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run returned %v", err)
		}
	})
}

// replace swaps the file as an operator does: written beside, then renamed.
func replace(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.Rename(writeFile(t, name+".new", data), name); err != nil {
		t.Fatal(err)
	}
}

func TestReloadRefusesAClash(t *testing.T) {
	a, b, c := edKey("a"), edKey("b"), edKey("a")
	one, two := writeFile(t, "one.json", jwks(a.jwk)), writeFile(t, "two.json", jwks(b.jwk))
	v, err := NewVerifier([]Source{{"acme", one}, {"acme", two}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []testKey{a, b} {
		if _, err := v.Verify(k.sign(t, nil, goodClaims()), now); err != nil {
			t.Errorf("a tenant with two files refuses a key of one: %v", err)
		}
	}
	replace(t, two, jwks(c.jwk))
	v.reload()
	if _, err := v.Verify(b.sign(t, nil, goodClaims()), now); err != nil {
		t.Errorf("a clash took the old key away: %v", err)
	}
	if v.ReloadFailures() != 1 {
		t.Error("the clash was not counted")
	}
	// The file that clashes does not hold up the other, and counts once it is
	// mended.
	d := edKey("d")
	replace(t, one, jwks(a.jwk, d.jwk))
	v.reload()
	if _, err := v.Verify(d.sign(t, nil, goodClaims()), now); err != nil {
		t.Errorf("a new key beside the clash: %v", err)
	}
	replace(t, one, jwks(d.jwk))
	v.reload()
	v.reload()
	for _, k := range []testKey{c, d} {
		if _, err := v.Verify(k.sign(t, nil, goodClaims()), now); err != nil {
			t.Errorf("key %s after the clash: %v", k.jwk.ID, err)
		}
	}
}

func TestNewVerifierRefuses(t *testing.T) {
	good := writeFile(t, "good.json", jwks(edKey("a").jwk))
	bad := writeFile(t, "bad.json", []byte("{}"))
	tests := map[string][]Source{
		"missing file":     {{"acme", filepath.Join(t.TempDir(), "none.json")}},
		"directory":        {{"acme", t.TempDir()}},
		"broken file":      {{"acme", good}, {"other", bad}},
		"bad tenant":       {{"a.b", good}},
		"same file twice":  {{"acme", good}, {"acme", good}},
		"tenant left open": {{"", good}},
	}
	for name, sources := range tests {
		if _, err := NewVerifier(sources, nil); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v, want ErrKey", name, err)
		}
	}
}
