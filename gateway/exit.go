package main

import (
	"errors"
	"fmt"
)

// exit is the exit code of the process.
type exit int

const (
	exitOK exit = 0
	// exitFailed: the command was understood and did not succeed.
	exitFailed exit = 1
	// exitUsage: the command line is wrong.
	exitUsage exit = 2
	// exitUnreachable: a server did not answer.
	exitUnreachable exit = 3
)

// codedError is an error that asks for an exit code of its own.
type codedError struct {
	code exit
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

// usagef says that the command line is wrong and how to put it right.
func usagef(format string, args ...any) error {
	return &codedError{exitUsage, fmt.Errorf(format, args...)}
}

// unreachablef says that a server did not answer and what to do.
func unreachablef(format string, args ...any) error {
	return &codedError{exitUnreachable, fmt.Errorf(format, args...)}
}

func exitCode(err error) exit {
	if err == nil || errors.Is(err, errHelp) {
		return exitOK
	}
	if coded := (*codedError)(nil); errors.As(err, &coded) {
		return coded.code
	}
	return exitFailed
}
