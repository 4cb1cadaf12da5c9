package session

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"sync"
)

// A session needs its device's JWT again only where it calls a core service or
// writes a record, and has nothing larger to keep. Tokens of one tenant are
// alike: the header is the same, and the claims differ in a few names and
// times. So what is kept is the claims' difference from those of an earlier
// token, and the signature in binary.

const (
	// maxModels bounds the tokens that are kept to compare others with.
	maxModels = 250
	// maxClaims bounds the search for what claims have in common, which takes
	// time that grows with the square.
	maxClaims = 512
	// verbatim stands for a model in front of a token that is kept as it is.
	verbatim = 0xff
	// A copy takes three bytes: fewer are not worth one.
	minCopy = 4
	maxCopy = 0x7f
	maxRun  = 0x7f
)

// keptToken is a JWT as a session keeps it: the number of its model; the
// length of what follows; runs of the claims, each either maxRun bytes at most
// behind their number or a copy of the model's, as 0x80 with its length and
// two bytes of its place; the signature.
type keptToken string

// model is what tokens are compared with. It is never changed.
type model struct{ header, claims string }

// tokens keeps and restores tokens.
type tokens struct {
	mu     sync.RWMutex
	models []model // Guarded by mu; only added to.
}

// keep returns what restore makes jwt of again.
func (t *tokens) keep(jwt string) keptToken {
	header, claims, signature, ok := parts(jwt)
	if !ok || len(claims) > maxClaims {
		return verbatimToken(jwt)
	}
	n, m := t.model(header, claims)
	if n == verbatim {
		return verbatimToken(jwt)
	}
	b := difference(make([]byte, 0, len(jwt)), claims, m.claims)
	out := append(make([]byte, 0, len(b)+len(signature)+4), byte(n))
	out = binary.AppendUvarint(out, uint64(len(b)))
	return keptToken(append(append(out, b...), signature...))
}

func verbatimToken(jwt string) keptToken { return keptToken("\xff" + jwt) }

// restore returns the token.
func (t *tokens) restore(k keptToken) string {
	if k == "" {
		return ""
	}
	if k[0] == verbatim {
		return string(k[1:])
	}
	t.mu.RLock()
	m := t.models[k[0]]
	t.mu.RUnlock()
	rest := unpacker(k[1:])
	length := int(rest.uvarint())
	claims := apply(unpacker(rest.text(length)), m.claims)
	return m.header + "." + encode64(claims) + "." + encode64([]byte(rest))
}

// model returns the one of that header, with its number. The first token of a
// header becomes it.
func (t *tokens) model(header, claims string) (int, model) {
	t.mu.RLock()
	n, m := t.findLocked(header)
	t.mu.RUnlock()
	if n != verbatim {
		return n, m
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if n, m = t.findLocked(header); n != verbatim || len(t.models) >= maxModels {
		return n, m
	}
	// The token's own memory is not kept for it.
	t.models = append(t.models, model{strings.Clone(header), strings.Clone(claims)})
	return t.findLocked(header)
}

func (t *tokens) findLocked(header string) (int, model) {
	for i, m := range t.models {
		if m.header == header {
			return i, m
		}
	}
	return verbatim, model{}
}

// parts takes a token apart, if encode64 makes the same of it again.
func parts(jwt string) (header, claims, signature string, ok bool) {
	header, rest, ok1 := strings.Cut(jwt, ".")
	c, s, ok2 := strings.Cut(rest, ".")
	if !ok1 || !ok2 {
		return "", "", "", false
	}
	claimsRaw, err1 := base64.RawURLEncoding.DecodeString(c)
	signatureRaw, err2 := base64.RawURLEncoding.DecodeString(s)
	same := encode64(claimsRaw) == c && encode64(signatureRaw) == s
	return header, string(claimsRaw), string(signatureRaw), err1 == nil && err2 == nil && same
}

func encode64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// difference appends how text is made of model.
func difference(b []byte, text, model string) []byte {
	run := 0 // where what is not copied begins
	for i := 0; i < len(text); {
		at, n := longest(text[i:], model)
		if n < minCopy {
			i++
			continue
		}
		b = appendRun(b, text[run:i])
		b = append(b, 0x80|byte(n), byte(at>>8), byte(at))
		i += n
		run = i
	}
	return appendRun(b, text[run:])
}

func appendRun(b []byte, text string) []byte {
	for len(text) > 0 {
		n := min(len(text), maxRun)
		b = append(append(b, byte(n)), text[:n]...)
		text = text[n:]
	}
	return b
}

// longest finds the longest beginning of text that is in model.
func longest(text, model string) (at, n int) {
	for i := 0; i+n < len(model) && n < min(len(text), maxCopy); i++ {
		// Look further only where it is longer than what there is.
		if model[i] != text[0] || model[i+n] != text[n] {
			continue
		}
		j := 0
		for j < min(len(text), maxCopy) && i+j < len(model) && text[j] == model[i+j] {
			j++
		}
		if j > n {
			at, n = i, j
		}
	}
	return at, n
}

// apply is the reverse of difference.
func apply(u unpacker, model string) []byte {
	var out []byte
	for len(u) > 0 {
		n := u.byte()
		if n < 0x80 {
			out = append(out, u.text(int(n))...)
			continue
		}
		at := int(u.byte())<<8 | int(u.byte())
		out = append(out, model[at:at+int(n&0x7f)]...)
	}
	return out
}
