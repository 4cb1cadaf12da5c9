// Package wirepb holds the bodies of wire version 1 that are protobuf. The
// package wire around it is the specification.
package wirepb
