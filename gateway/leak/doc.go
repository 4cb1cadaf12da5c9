// Package leak finds secrets in what programs say: in logs, metrics, pages and
// command lines.
//
// A Scanner is told the secrets of a fleet: device tokens, keys, passwords and
// what users wrote. It finds each as it is, in base64 and hex, escaped for a URL
// or for JSON, and as the list of numbers that Go prints of bytes. Beside these
// it knows what secrets look like that nobody told it of: JWTs, private keys,
// credentials of NATS and of HTTP.
//
// It is for tests, the demo and CI; no role of hawser uses it.
package leak
