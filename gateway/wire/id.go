package wire

import "fmt"

// maxID is the greatest length of an id, in bytes.
const maxID = 64

// maxQuoted is how much of a refused id an error shows, in bytes: enough to
// recognise it, too little to flood a log.
const maxQuoted = 80

// ValidID reports whether s may name a tenant, user, device, kind, service or
// method: it matches [A-Za-z0-9_-]{1,64}.
func ValidID(s string) bool {
	if len(s) == 0 || len(s) > maxID {
		return false
	}
	for i := range len(s) {
		if !idByte(s[i]) {
			return false
		}
	}
	return true
}

func idByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}

// CheckID returns nil if s is a valid id, and otherwise an error that wraps
// ErrID and says what is wrong; what is the id's role, for example "user".
func CheckID(what, s string) error {
	if ValidID(s) {
		return nil
	}
	if len(s) > maxQuoted {
		s = s[:maxQuoted]
	}
	return &idError{fmt.Sprintf("%s %q must match [A-Za-z0-9_-]{1,64}", what, s)}
}

// idError keeps ErrID's own words out of a sentence that does without them.
type idError struct{ text string }

func (e *idError) Error() string { return e.text }
func (e *idError) Unwrap() error { return ErrID }
