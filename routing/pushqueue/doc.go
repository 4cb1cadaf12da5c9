// Package pushqueue keeps the push jobs: routers store them in the stream
// PUSH, push workers consume them.
//
// A job means "this device may have something newer of this kind": at most
// one waits for a device and kind. A newer job takes the place of an older
// one and never the other way round, whichever router comes last. Version,
// token and presence are read when the push is made, so a job that is
// delivered twice does no harm, and neither does the acknowledgement of one
// that was replaced.
package pushqueue
