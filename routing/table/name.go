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
	// isLower and isUpper mark the hexadecimal digits that have a case.
	isLower, isUpper = 0x10, 0x20
)

// sixBits is the place of each byte in the alphabet, or bad; hexValues the
// value of each hexadecimal digit with its case, or bad. Never written to
// after they are made.
var sixBits, hexValues = makeTables()

func makeTables() (six, hex [256]byte) {
	for i := range six {
		six[i], hex[i] = bad, bad
	}
	for i := range len(alphabet) {
		six[alphabet[i]] = byte(i)
	}
	for i := range len(hexDigits) {
		hex[hexDigits[i]], hex[upperHex[i]] = byte(i), byte(i)
		if i > 9 {
			hex[hexDigits[i]] |= isLower
			hex[upperHex[i]] |= isUpper
		}
	}
	return six, hex
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
		var n name
		if packHex(s, &n)&(bad|isUpper) == 0 {
			return n, hexLower
		}
		return name{}, long
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
	var n name
	seen := packHex(s[:8], &n) | packHex(s[9:13], &n) | packHex(s[14:18], &n) | packHex(s[19:23], &n) | packHex(s[24:], &n)
	switch {
	case seen&bad != 0, seen&(isLower|isUpper) == isLower|isUpper:
		return name{}, long
	case seen&isUpper != 0:
		return n, uuidUpper
	default:
		return n, uuidLower
	}
}

// packHex shifts digits into n and returns what they have in common.
func packHex(s string, n *name) (seen byte) {
	for i := range len(s) {
		v := hexValues[s[i]]
		seen |= v
		n.hi = n.hi<<4 | n.lo>>60
		n.lo = n.lo<<4 | uint64(v&15)
	}
	return seen
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
