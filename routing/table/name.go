package table

// name is a tenant's user's or device's name as records hold it: 16 bytes
// without a pointer, and a form that says how to read them.
type name struct{ hi, lo uint64 }

// form says what a name's 16 bytes are. Forms up to maxSix are the length of
// a name of six bits a character: names are made of 64 characters.
type form uint8

const (
	// maxSix is the length up to which six bits a character fit: the decimal
	// numbers of 64 bits are shorter.
	maxSix = 21
	// uuidLower and uuidUpper are UUIDs with dashes, hexLower 32 digits
	// without.
	uuidLower form = iota + maxSix
	uuidUpper
	hexLower
	// long names stand in the arena; hi says where.
	long
	// unfit are those that no name is as long as.
	unfit
	formBits = 5
)

// maxName is the length of the longest name. Names end at 64; the arena takes
// any bytes up to there.
const maxName = 64

const (
	alphabet  = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	hexDigits = "0123456789abcdef"
	upperHex  = "0123456789ABCDEF"
	bad       = 0x80
)

// sixBits is the place of each byte in the alphabet, or bad. Never written to
// after it is made.
var sixBits = makeSixBits()

func makeSixBits() (six [256]byte) {
	for i := range six {
		six[i] = bad
	}
	for i := range len(alphabet) {
		six[alphabet[i]] = byte(i)
	}
	return six
}

// pack returns a name in 16 bytes, or only its form where that is long or
// unfit.
func pack(s string) (name, form) {
	switch {
	case len(s) <= maxSix:
		return packSix(s)
	case len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-':
		return packUUID(s)
	case len(s) == 32:
		return packHex(s)
	case len(s) <= maxName:
		return name{}, long
	default:
		return name{}, unfit
	}
}

func packSix(s string) (name, form) {
	var n name
	var seen byte
	for i := range len(s) {
		v := sixBits[s[i]]
		seen |= v
		n.hi = n.hi<<6 | n.lo>>58
		n.lo = n.lo<<6 | uint64(v)
	}
	if seen&bad != 0 {
		return name{}, long
	}
	return n, form(len(s))
}

func packUUID(s string) (name, form) {
	var d digits
	n := name{
		hi: d.read(word(s))<<32 | d.read(uint64(half(s[9:]))|uint64(half(s[14:]))<<32),
		lo: d.read(uint64(half(s[19:]))|uint64(half(s[24:]))<<32)<<32 | d.read(word(s[28:])),
	}
	switch {
	case d.other != 0, d.lower != 0 && d.upper != 0:
		return name{}, long
	case d.upper != 0:
		return n, uuidUpper
	default:
		return n, uuidLower
	}
}

// packHex packs 32 digits.
func packHex(s string) (name, form) {
	var d digits
	n := name{hi: d.read(word(s))<<32 | d.read(word(s[8:])), lo: d.read(word(s[16:]))<<32 | d.read(word(s[24:]))}
	if d.other|d.upper != 0 {
		return name{}, long
	}
	return n, hexLower
}

// unpack appends a name that is not long.
func (n name) unpack(dst []byte, f form) []byte {
	switch f {
	case uuidLower, uuidUpper, hexLower:
		return n.unpackHex(dst, f)
	default:
		at := len(dst)
		dst = append(dst, alphabet[:f]...) // room, overwritten from the end
		hi, lo := n.hi, n.lo
		for i := len(dst) - 1; i >= at; i-- {
			dst[i] = alphabet[lo&63]
			hi, lo = hi>>6, lo>>6|hi<<58
		}
		return dst
	}
}

func (n name) unpackHex(dst []byte, f form) []byte {
	digits := hexDigits
	if f == uuidUpper {
		digits = upperHex
	}
	hi, lo := n.hi, n.lo
	for i := range 32 {
		if f != hexLower && (i == 8 || i == 12 || i == 16 || i == 20) {
			dst = append(dst, '-')
		}
		dst = append(dst, digits[hi>>60])
		hi, lo = hi<<4|lo>>60, lo<<4
	}
	return dst
}
