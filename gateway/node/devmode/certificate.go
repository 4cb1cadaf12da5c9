package devmode

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Names of the files that writeCertificates makes.
const (
	CAFile   = "ca.pem"
	certFile = "edge.pem"
	keyFile  = "edge.key"
)

// validity is long enough for any development session and short enough that
// nobody mistakes the certificate for a real one.
const validity = 30 * 24 * time.Hour

// writeCertificates makes a certificate authority and a server certificate
// for localhost and the loopback addresses. The authority's key is thrown
// away: nobody can sign with it later.
func writeCertificates(dir string) error {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make the development authority's key: %w", err)
	}
	ca := unsigned(1, "hawser development authority")
	ca.IsCA = true
	ca.KeyUsage = x509.KeyUsageCertSign
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		return fmt.Errorf("sign the development authority: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make the edge's key: %w", err)
	}
	leaf := unsigned(2, "localhost")
	leaf.KeyUsage = x509.KeyUsageDigitalSignature
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	leaf.DNSNames = []string{"localhost"}
	leaf.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
	if err != nil {
		return fmt.Errorf("sign the edge's certificate: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode the edge's key: %w", err)
	}
	if err := writePEM(dir, CAFile, "CERTIFICATE", caDER, 0o644); err != nil {
		return err
	}
	if err := writePEM(dir, certFile, "CERTIFICATE", leafDER, 0o644); err != nil {
		return err
	}
	return writePEM(dir, keyFile, "PRIVATE KEY", keyDER, 0o600)
}

func unsigned(serial int64, name string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber:          big.NewInt(serial),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(validity),
		BasicConstraintsValid: true,
	}
}

func writePEM(dir, name, kind string, der []byte, mode os.FileMode) error {
	block := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	return writeFile(dir, name, block, mode)
}

func writeFile(dir, name string, data []byte, mode os.FileMode) error {
	if err := os.WriteFile(filepath.Join(dir, name), data, mode); err != nil {
		return fmt.Errorf("write a development file: %w", err)
	}
	return nil
}
