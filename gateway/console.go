package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// console is what a command has of the world around it, so that tests can
// run every command inside their process.
type console struct {
	// Static after construction.
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	// environ is what os.Environ gives.
	environ []string
	// self is how the program was started, for texts that say what to type.
	self string
}

// getenv is os.Getenv over the console's environment.
func (c *console) getenv(name string) string {
	value := ""
	for _, pair := range c.environ {
		if v, ok := strings.CutPrefix(pair, name+"="); ok {
			value = v
		}
	}
	return value
}

// printf writes a result.
func (c *console) printf(format string, args ...any) {
	fmt.Fprintf(c.stdout, format, args...)
}

// hintf writes what is no result: advice and progress.
func (c *console) hintf(format string, args ...any) {
	fmt.Fprintf(c.stderr, format, args...)
}

// json writes a result as one line. v begins with the field schema.
func (c *console) json(v any) error {
	enc := json.NewEncoder(c.stdout)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
