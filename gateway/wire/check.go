package wire

import "fmt"

// checks gathers the first of several complaints about a body.
type checks struct{ err error }

func (c *checks) fail(text string, cause error) {
	if c.err == nil {
		c.err = &malformed{text, cause}
	}
}

func (c *checks) length(what string, n, limit int) {
	if n > limit {
		c.fail(fmt.Sprintf("%s has %d bytes, at most %d are allowed", what, n, limit), nil)
	}
}

func (c *checks) count(what string, n, limit int) {
	if n > limit {
		c.fail(fmt.Sprintf("%d %s, at most %d are allowed", n, what, limit), nil)
	}
}

func (c *checks) id(what, s string) {
	if err := CheckID(what, s); err != nil {
		c.fail(err.Error(), err)
	}
}

func (c *checks) version(v int64) {
	if err := CheckVersion(v); err != nil {
		c.fail(err.Error(), err)
	}
}

// millis checks a time in milliseconds.
func (c *checks) millis(what string, v int64) {
	if v < 0 || v > maxDuration.Milliseconds() {
		c.fail(fmt.Sprintf("%s %d is not in 0 to %d", what, v, maxDuration.Milliseconds()), nil)
	}
}

func (c *checks) notNegative(what string, v int64) {
	if v < 0 {
		c.fail(fmt.Sprintf("%s %d is negative", what, v), nil)
	}
}
