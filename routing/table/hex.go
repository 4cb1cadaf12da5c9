package table

import "math/bits"

// Names are read eight hexadecimal digits at a time: the bytes of a word each
// by themselves, none carrying over into the next.

const (
	each = 0x0101010101010101
	// tops are the uppermost bits of the bytes.
	tops = 0x80 * each
)

// digits says what stands in the words that were read.
type digits struct {
	// other is not 0 if there was anything else than a digit, lower and upper
	// if there were letters of that case.
	other, lower, upper uint64
}

// word returns the first eight bytes of s, the first one lowest.
func word(s string) uint64 { return uint64(half(s)) | uint64(half(s[4:]))<<32 }

// half returns the first four.
func half(s string) uint32 {
	_ = s[3]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// read returns the value of eight digits, the first one highest.
func (d *digits) read(x uint64) uint64 {
	low := x &^ tops
	digit := from(low, '0') &^ from(low, '9'+1)
	upper := from(low, 'A') &^ from(low, 'F'+1)
	lower := from(low, 'a') &^ from(low, 'f'+1)
	d.other |= x&tops | tops&^(digit|upper|lower)
	d.upper |= upper
	d.lower |= lower
	x = x&(0x0f*each) + 9*(x>>6&each) // letters, and no digits, have bit 6
	x = (x<<4 | x>>8) & 0x00ff00ff00ff00ff
	x = (x | x>>8) & 0x0000ffff0000ffff
	return uint64(bits.ReverseBytes32(uint32(x | x>>16)))
}

// from marks the bytes, below 0x80 each, that are c or more.
func from(x uint64, c byte) uint64 { return ((x | tops) - each*uint64(c)) & tops }
