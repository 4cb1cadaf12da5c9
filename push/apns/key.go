package apns

import (
	"bytes"
	"encoding/pem"
)

// whatKey says what was given in place of a .p8 file. It quotes nothing: the
// parser's own errors may.
func whatKey(given []byte) string {
	given = bytes.TrimSpace(given)
	block, _ := pem.Decode(given)
	switch {
	case len(given) == 0:
		return "it is empty"
	case block == nil && bytes.HasPrefix(given, []byte("{")):
		return "it is JSON, as Google's credentials are"
	case block == nil && bytes.HasPrefix(given, []byte{0x30}):
		return "it is binary, a .p12 or .cer file"
	case block == nil:
		return "it is no PEM file, or cut short"
	case block.Type == "CERTIFICATE":
		return "it is a certificate; hawser uses keys"
	case block.Type == "PUBLIC KEY":
		return "it is the public key"
	case block.Type != "PRIVATE KEY":
		return "it is another kind of key"
	default:
		return "it is a private key of another kind"
	}
}
