// Package hawserv1connect is the backends' API as a service: its handler for
// the server and its client.
package hawserv1connect
