//go:build !linux

package netspace

import (
	"context"
	"fmt"
	"io"
	"os"
)

var errElsewhere = fmt.Errorf("%w, which are Linux's", ErrImpossible)

// Possible reports that there are no namespaces here.
func Possible(...string) error { return errElsewhere }

// Enclose fails with ErrImpossible.
func Enclose(context.Context, []string, io.Writer, io.Writer) (int, error) { return 1, errElsewhere }

// Furnish fails with ErrImpossible.
func Furnish() error { return errElsewhere }

// A Space is what there is none of.
type Space struct{}

// NewSpace fails with ErrImpossible.
func NewSpace(string) (*Space, error) { return nil, errElsewhere }

// Name is empty.
func (*Space) Name() string { return "" }

// IP fails with ErrImpossible.
func (*Space) IP(string) error { return errElsewhere }

// Do fails with ErrImpossible.
func (*Space) Do(func() error) error { return errElsewhere }

// Close does nothing.
func (*Space) Close() error { return nil }

// IP fails with ErrImpossible.
func IP(string, string) error { return errElsewhere }

// Packets fails with ErrImpossible.
func (*Space) Packets() (*os.File, error) { return nil, errElsewhere }
