package wire

import "fmt"

// CheckVersion returns nil if v is a version, 1 to MaxVersion, and otherwise
// an error that wraps ErrVersion.
func CheckVersion(v int64) error {
	if v >= 1 && v <= MaxVersion {
		return nil
	}
	return &versionError{v}
}

type versionError struct{ v int64 }

func (e *versionError) Error() string {
	return fmt.Sprintf("version %d must be 1 to %d", e.v, MaxVersion)
}

func (e *versionError) Unwrap() error { return ErrVersion }
