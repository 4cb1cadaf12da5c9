// Package linkpb holds what edges, routers and push roles say to each other.
package linkpb
