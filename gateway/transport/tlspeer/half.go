package tlspeer

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

// Types of records, as they are once the encryption is taken off.
const (
	Alert     = 21
	Handshake = 22
	Data      = 23
)

const (
	header    = 5
	keyUpdate = 24 // the handshake message
	// MaxRecord is how much content and padding a record holds, in bytes.
	MaxRecord = 16 << 10
)

var errRecord = errors.New("tlspeer: a record is not authentic or not complete")

// half is one direction of a connection.
type half struct {
	secret  []byte
	aead    cipher.AEAD
	iv      []byte
	records uint64 // under the present secret
}

func newHalf(secret []byte) *half {
	block, err := aes.NewCipher(expand(secret, "key", 16))
	if err != nil {
		panic(err) // the key has 16 bytes
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // the block is that of AES
	}
	return &half{secret: secret, aead: aead, iv: expand(secret, "iv", aead.NonceSize())}
}

// update goes on to the next secret.
func (h *half) update() { *h = *newHalf(expand(h.secret, "traffic upd", sha256.Size)) }

// nonce is that of the next record.
func (h *half) nonce() []byte {
	n := append([]byte(nil), h.iv...)
	last := n[len(n)-8:]
	binary.BigEndian.PutUint64(last, binary.BigEndian.Uint64(last)^h.records)
	h.records++
	return n
}

// seal makes a record.
func (h *half) seal(typ byte, content []byte, padding int) []byte {
	plain := append(append(append([]byte(nil), content...), typ), make([]byte, padding)...)
	n := len(plain) + h.aead.Overhead()
	record := append(make([]byte, 0, header+n), Data, 3, 3, byte(n>>8), byte(n))
	return h.aead.Seal(record, h.nonce(), plain, record)
}

// open is the reverse of seal.
func (h *half) open(record []byte) (typ byte, content []byte, err error) {
	plain, err := h.aead.Open(nil, h.nonce(), record[header:], record[:header])
	if err != nil {
		return 0, nil, errRecord
	}
	for len(plain) > 0 {
		last := plain[len(plain)-1]
		plain = plain[:len(plain)-1]
		if last != 0 {
			return last, plain, nil
		}
	}
	return 0, nil, errRecord
}

// expand is HKDF-Expand-Label of TLS 1.3 without a context.
func expand(secret []byte, label string, n int) []byte {
	label = "tls13 " + label
	info := binary.BigEndian.AppendUint16(nil, uint16(n))
	info = append(append(append(info, byte(len(label))), label...), 0)
	out, err := hkdf.Expand(sha256.New, secret, string(info), n)
	if err != nil {
		panic(err) // n is small
	}
	return out
}
