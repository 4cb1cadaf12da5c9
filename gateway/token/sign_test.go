package token

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestGenerateSignVerify(t *testing.T) {
	private, public, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "key.json")
	if err := WriteKey(name, private); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(name); info.Mode().Perm() != 0o600 {
		t.Errorf("the private key has mode %v", info.Mode())
	}
	if err := WriteKey(name, private); !errors.Is(err, os.ErrExist) {
		t.Errorf("a second key over the first: %v, want os.ErrExist", err)
	}
	signer, err := LoadSigner(name)
	if err != nil {
		t.Fatal(err)
	}
	v, err := NewVerifier([]Source{{"dev", writeFile(t, "jwks.json", public)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := Identity{"dev", "anna", "phone", now.Add(time.Hour), now}
	token, err := signer.Sign(want, now)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := v.Verify(token, now); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}

func TestSignRefuses(t *testing.T) {
	private, _, _ := GenerateKey()
	signer, err := ParseSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		id   Identity
		want error
	}{
		"bad user":  {Identity{Tenant: "dev", User: "anna bell", Device: "phone", ExpiresAt: now.Add(time.Hour)}, ErrClaims},
		"expired":   {Identity{Tenant: "dev", User: "anna", Device: "phone", ExpiresAt: now.Add(-time.Hour)}, ErrExpired},
		"no expiry": {Identity{Tenant: "dev", User: "anna", Device: "phone"}, ErrClaims},
	}
	for name, tt := range tests {
		if _, err := signer.Sign(tt.id, now); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

func TestLoadSignerRefuses(t *testing.T) {
	private, public, _ := GenerateKey()
	other := edKey("x").jwk
	other.D = b64(make([]byte, 32))
	open := writeFile(t, "open.json", private)
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{
		"readable by others": open,
		"public half":        writeFile(t, "public.json", public),
		"not JSON":           writeFile(t, "text.json", []byte("secret")),
		"halves of two keys": writeFile(t, "two.json", mustJSON(other)),
	} {
		if _, err := LoadSigner(file); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v, want ErrKey", name, err)
		}
	}
	if _, err := LoadSigner(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v, want os.ErrNotExist", err)
	}
}
