// Package admission decides whom an edge lets in, so that those who are in do
// not suffer from those who come.
//
// Gate 1 stands before TLS, where a client can be told nothing: [Sources] count
// connections by address and by network, [Memory] says when there is room for
// none.
//
// Gate 2 stands behind TLS, before a device's token is looked at: a [Gate] lets
// in as many a second as the edge bears, which it finds out itself, and gives
// the others a slot: a signed instant at which to come back, to any edge of the
// fleet. The edge keeps nothing of a slot that it has given but when the next
// one is free, however many devices come.
package admission
