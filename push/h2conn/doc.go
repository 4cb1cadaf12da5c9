// Package h2conn makes HTTP/2 requests to one address over one connection at a
// time, each request once.
//
// The pooled transport of net/http opens a connection for every request that
// finds the others busy, hundreds in a burst, and sends some requests again by
// itself. A push service takes the first for an attack and makes of the second
// a doubled push. A Client opens one connection, keeps it for days, finds within
// ten seconds that it is dead, and waits when it is full.
package h2conn
