// Package fcm sends pushes through Firebase Cloud Messaging's HTTP v1 API. It
// is the only importer of the Firebase SDK.
//
// The SDK words requests, and hears of an answer only whether it was good. What
// it would do besides is taken from it:
//
//   - It retries inside a call, up to four times without jitter. Its transport
//     here answers it once and never with what it would retry.
//   - It keeps an access token until it expires, revoked or not. Access tokens
//     are this package's own: one that Google calls invalid is replaced, and
//     the message sent once more, for it was refused before delivery.
//   - Its errors hide headers, and call a proxy's 404 "not found". Verdicts
//     come from the answer itself, and only an FcmError detail costs a token.
package fcm
