// Package devices keeps the records of registered devices in the key-value
// bucket DEVICES: what a device's push token is and since when.
//
// Two keys belong together. d.<tenant>.<user>.<device> is the record.
// t.<hash of tenant, app and token> names the tenant's device that owns the
// token, so that a phone that changed hands is not pushed for its former user.
// Every write expects the revision that was read before (compare-and-set): any
// number of routers and push workers may write at once.
package devices
