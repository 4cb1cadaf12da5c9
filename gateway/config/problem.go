package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrInvalid is wrapped by every error that the content of a configuration
// causes.
var ErrInvalid = errors.New("invalid configuration")

// Problem is one thing that is wrong.
type Problem struct {
	// Path of the field, as in tenants[0].kinds.messages.keep. Empty where
	// no field is to blame.
	Path string
	// Line of the field, or of the section it is missing in, from 1. 0 where
	// no line is to blame.
	Line int
	// Env is the environment variable that the value came from, or empty.
	Env string
	// Text says what is wrong and what to do.
	Text string
}

func (p Problem) format(file string) string {
	var b strings.Builder
	switch {
	case p.Env != "":
		b.WriteString(p.Env)
	case p.Line > 0:
		fmt.Fprintf(&b, "%s:%d", file, p.Line)
	default:
		b.WriteString(file)
	}
	b.WriteString(": ")
	if p.Path != "" {
		b.WriteString(p.Path)
		b.WriteString(": ")
	}
	b.WriteString(p.Text)
	return b.String()
}

// Error is every problem of a configuration, in the order of its lines.
type Error struct {
	// File is the name of the configuration file as it was given.
	File string
	// Problems has at least one entry.
	Problems []Problem
}

// Error has one line a problem, each beginning with the file and the line or
// with the environment variable.
func (e *Error) Error() string {
	lines := make([]string, 0, len(e.Problems))
	for _, p := range e.Problems {
		lines = append(lines, p.format(e.File))
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns ErrInvalid.
func (e *Error) Unwrap() error { return ErrInvalid }

func sortProblems(ps []Problem) {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return strings.Compare(a.Path, b.Path)
	})
}
