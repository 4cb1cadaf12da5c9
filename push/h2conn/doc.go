// Package h2conn makes HTTP/2 requests to one address over few connections,
// each request once.
//
// The pooled transport of net/http opens a connection for every request that
// finds the others busy, hundreds in a burst, and sends some requests again by
// itself. A push service takes the first for an attack and makes of the second
// a doubled push. A Client keeps its connections for days, opens another one
// only where all are full, finds within eight seconds that one is dead, and has
// what finds no place wait in order.
package h2conn
