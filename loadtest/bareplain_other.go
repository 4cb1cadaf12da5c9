//go:build !linux

package main

import "errors"

func (b *bare) openPlain() (string, error) {
	return "", errors.New("connections are parked on Linux alone")
}
