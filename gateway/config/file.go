package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
)

// maxFile bounds what is read from a file that a field names, in bytes.
const maxFile = 1 << 20

// File is the path of a file without secrets. Load makes it absolute or
// relative to the working directory.
type File string

// Read returns the file's content. At most 1 MiB; a greater file is an error.
func (f File) Read() ([]byte, error) { return readFile(string(f)) }

// SecretFile is the path of a file that holds a secret. The path is no
// secret, the content is: it is read where it is needed and kept nowhere
// else.
type SecretFile string

// Read returns the secret as it stands in the file. At most 1 MiB.
func (f SecretFile) Read() ([]byte, error) { return readFile(string(f)) }

// ReadTrimmed returns the secret without the white space around it, which
// editors like to add; for passwords and keys that are text.
func (f SecretFile) ReadTrimmed() ([]byte, error) {
	b, err := readFile(string(f))
	return bytes.TrimSpace(b), err
}

// Exposed reports whether everybody on this machine can read the file. Windows
// keeps rights otherwise and is not asked.
func (f SecretFile) Exposed() bool {
	info, err := os.Stat(string(f))
	return err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o004 != 0
}

// MarshalYAML says where the secret stands.
func (f SecretFile) MarshalYAML() (any, error) {
	return "(from file " + string(f) + ")", nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// A directory or a pipe would block or fail later and say less.
	if info, err := f.Stat(); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("%s is greater than %d bytes", path, maxFile)
	}
	return b, nil
}

// why shortens an error of the file system to its reason: the field and the
// path stand beside it already.
func why(err error) string {
	if pathErr := (*os.PathError)(nil); errors.As(err, &pathErr) {
		return pathErr.Err.Error()
	}
	return err.Error()
}
