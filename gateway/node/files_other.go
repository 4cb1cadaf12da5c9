//go:build !unix

package node

// maxFiles is how many descriptors the process may have; 0: unknown.
func maxFiles() int { return 0 }
