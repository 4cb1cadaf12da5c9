package leak

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
)

// least is the length of the shortest text that is looked for, in bytes: what is
// shorter is found by chance.
const least = 8

// A Scanner finds secrets. Know and Scan may not be called at the same time;
// Scan may be called from any number of goroutines. The zero value finds what
// looks like a secret.
//
// It is made for thousands of secrets and logs of hundreds of megabytes: what
// begins like one of them is found in one go.
type Scanner struct {
	starts map[start][]needle
	// mayStart has a bit for the hash of each start, so that nearly every place
	// is passed over without a look into the map.
	mayStart []uint64
}

// start is how a text begins: its first eight bytes.
type start uint64

func startOf(text []byte) start { return start(binary.LittleEndian.Uint64(text)) }

// hashBits is the size of the hash: 2 MiB for a few hundred thousand starts.
const hashBits = 24

func (b start) hash() uint64 { return uint64(b) * 0x9e3779b97f4a7c15 >> (64 - hashBits) }

type needle struct {
	secret string // its name
	form   string
	text   []byte
}

// A Finding is a secret that was said. It does not tell the secret.
type Finding struct {
	// Where is what was scanned.
	Where string
	// Line of the text, from 1.
	Line int
	// Secret is what it is called, Form how it is written.
	Secret, Form string
}

func (f Finding) String() string {
	return fmt.Sprintf("%s, line %d: %s, %s", f.Where, f.Line, f.Secret, f.Form)
}

// Know makes the scanner look for a secret of at least 8 bytes under a name; of
// several lines for each that is long enough. Shorter ones are left out.
func (s *Scanner) Know(name string, secret []byte) {
	lines := bytes.Split(bytes.TrimSpace(secret), []byte("\n"))
	for _, line := range lines {
		line = bytes.TrimSpace(line)
		if len(line) < least || len(lines) > 1 && bytes.HasPrefix(line, []byte("-----")) {
			continue
		}
		for _, f := range forms(line) {
			if len(f.text) >= least {
				s.add(needle{name, f.name, []byte(f.text)})
			}
		}
	}
}

func (s *Scanner) add(n needle) {
	if s.starts == nil {
		s.starts, s.mayStart = map[start][]needle{}, make([]uint64, 1<<hashBits/64)
	}
	b := startOf(n.text)
	if slices.ContainsFunc(s.starts[b], func(o needle) bool { return bytes.Equal(o.text, n.text) }) {
		return
	}
	s.starts[b] = append(s.starts[b], n)
	h := b.hash()
	s.mayStart[h/64] |= 1 << (h % 64)
}

// looks are what secrets look like that nobody told of.
var looks = []struct {
	secret string
	text   *regexp.Regexp
}{
	{"a JWT", regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.`)},
	{"a private key", regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----`)},
	{"a private key without its frame", regexp.MustCompile(`MI(GHAgEAMBMGByqGSM49AgEG|I[A-Za-z0-9+/]{2}[AIQg]IBADANBgkqhkiG9w0BAQEFAAS)`)},
	{"a private JWK", regexp.MustCompile(`"d"\s*:\s*"[A-Za-z0-9_-]{30,}"`)},
	{"a NATS seed", regexp.MustCompile(`\bS[UAO][A-Z2-7]{56}\b`)},
	{"an Authorization header", regexp.MustCompile(`(?i)\b(bearer|basic) [A-Za-z0-9._~+/=-]{16,}`)},
}

// Scan returns what is found in a text, of each secret and form the first place.
func (s *Scanner) Scan(where string, text []byte) (found []Finding) {
	note := func(at int, secret, form string) {
		found = append(found, Finding{where, 1 + bytes.Count(text[:at], []byte("\n")), secret, form})
	}
	seen := map[[2]string]bool{}
	s.each(text, func(at int, n needle) {
		if what := [2]string{n.secret, n.form}; !seen[what] {
			seen[what] = true
			note(at, n.secret, n.form)
		}
	})
	for _, l := range looks {
		if at := l.text.FindIndex(text); at != nil {
			note(at[0], l.secret, "by its look")
		}
	}
	return found
}

// each calls do for every known secret at every place.
func (s *Scanner) each(text []byte, do func(at int, n needle)) {
	if s.starts == nil {
		return
	}
	for at := 0; at+least <= len(text); at++ {
		b := startOf(text[at:])
		h := b.hash()
		if s.mayStart[h/64]&(1<<(h%64)) == 0 {
			continue
		}
		for _, n := range s.starts[b] {
			if bytes.HasPrefix(text[at:], n.text) {
				do(at, n)
			}
		}
	}
}
