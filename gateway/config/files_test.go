package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// exampleFiles writes every file that the example names into a directory of
// the test's own.
func exampleFiles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cert, key := testCertificate(t, time.Now().Add(time.Hour))
	expired, expiredKey := testCertificate(t, time.Date(2020, 3, 1, 0, 0, 0, 0, time.UTC))
	secret := strings.Repeat("0123456789abcdef", 4) + "\n"
	for name, content := range map[string]string{
		"nats-ca.pem": cert, "fcm-proxy-ca.pem": cert, "services-ca.pem": cert, "sites-ca.pem": cert,
		"edge.pem": cert, "secrets/edge.key": key,
		"api.pem": cert, "secrets/api.key": key,
		"expired.pem": expired, "expired.key": expiredKey,
		"secrets/nats-edge.password":   "pass\n",
		"secrets/nats-router.password": "pass\n",
		"secrets/nats-push.creds":      "creds\n",
		"secrets/ticket.key":           secret,
		"secrets/demo.key":             secret,
		"secrets/demo-services.key":    secret,
		"secrets/apns.p8":              key,
		"secrets/fcm.json":             "{}",
		"secrets/apns-mail.id":         "KEY7654321\n",
		"demo.jwks.json":               `{"keys":[]}`,
	} {
		writeFile(t, filepath.Join(dir, name), content)
	}
	return dir
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func testCertificate(t *testing.T, end time.Time) (cert, key string) {
	t.Helper()
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: end.AddDate(-1, 0, 0), NotAfter: end}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &priv.PublicKey, priv)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

// A secret that everybody can read is one that its owner wants to hear of.
func TestExposedSecret(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("rights are not modes here")
	}
	for mode, want := range map[os.FileMode]bool{0o600: false, 0o440: false, 0o644: true} {
		name := filepath.Join(t.TempDir(), "secret")
		if err := errors.Join(os.WriteFile(name, []byte("s"), 0o600), os.Chmod(name, mode)); err != nil {
			t.Fatal(err)
		}
		if got := SecretFile(name).Exposed(); got != want {
			t.Errorf("mode %v: exposed %v", mode, got)
		}
	}
}
