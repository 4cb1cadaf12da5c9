// Package admission decides whom an edge lets in, so that those who are in do
// not suffer from those who come.
//
// Gate 1 stands before TLS, where a client can be told nothing: [Sources] count
// connections by address and by network.
package admission
