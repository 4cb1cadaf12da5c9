package transport

import "crypto/tls"

// KeyExchanges are the groups of a TLS configuration's CurvePreferences, for
// either side. With postQuantum a hybrid with ML-KEM comes first, and is used
// where the other side has it, too: what is recorded today stays secret from
// the quantum computers of later. It makes a ClientHello 1.2 KB and the answer
// 1.1 KB longer. P-256 is for a peer without X25519, which costs it a round
// trip more.
func KeyExchanges(postQuantum bool) []tls.CurveID {
	classical := []tls.CurveID{tls.X25519, tls.CurveP256}
	if !postQuantum {
		return classical
	}
	return append([]tls.CurveID{tls.X25519MLKEM768}, classical...)
}

// Suites are the ciphers of TLS 1.3. crypto/tls has no setting for them. An
// edge takes ChaCha20-Poly1305 where the client names it first, where one side
// has no instructions for AES, and where the environment of its process has
// GODEBUG=cpu.aes=off; AES-128-GCM elsewhere.
func Suites() []uint16 {
	return []uint16{tls.TLS_AES_128_GCM_SHA256, tls.TLS_AES_256_GCM_SHA384, tls.TLS_CHACHA20_POLY1305_SHA256}
}
