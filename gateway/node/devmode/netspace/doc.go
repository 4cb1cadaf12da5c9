// Package netspace gives programs that test networks some of their own: the
// program runs itself again inside new namespaces, and there it makes as many
// networks as it likes. Whatever ends it, nothing of them is left.
//
// Namespaces are Linux's and need root; elsewhere Possible says so.
package netspace

import (
	"errors"
	"os"
)

// ErrImpossible is why namespaces cannot be had here.
var ErrImpossible = errors.New("this needs network, mount and process namespaces of its own")

// insideEnv says, to the process that runs inside, that it does.
const insideEnv = "HAWSER_INSIDE_NAMESPACES"

// Inside reports whether this process was started by Enclose, or by one that
// was.
func Inside() bool { return os.Getenv(insideEnv) != "" }
