// Package hawserv1 holds the messages of the backends' API, version 1.
package hawserv1
