// Package apns sends pushes to Apple's push service with provider token
// authentication. It is the only importer of the apns2 library.
//
// The library words requests and parses answers; connections, credentials and
// the meaning of answers are this package's own:
//
//   - Connections are kept per team, key and environment, whatever the number
//     of applications, and hold one request each until Apple accepted one.
//   - Tokens that were never accepted travel on a connection of their own: a
//     rejected one may make Apple shrink the connection.
//   - The provider token is derived from the clock in steps of 40 minutes and
//     signed deterministically: replicas and restarts present the same one, so
//     that Apple does not see too many updates.
//   - Send makes one attempt. Only a provider token that Apple calls expired
//     is renewed and the attempt made again: it was refused before delivery.
package apns
