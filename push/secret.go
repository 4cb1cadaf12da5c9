package push

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted is what is shown in place of a secret.
const redacted = "[redacted]"

// Secret is a key or a credential. However it is printed, logged or encoded it
// shows nothing of itself; convert it to []byte where it is used.
type Secret []byte

// Format implements fmt.Formatter for every verb.
func (Secret) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler, which JSON and YAML use.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Opaque is embedded by types that hold secrets inside: they then are printed,
// logged and encoded as "[redacted]" and nothing else.
type Opaque struct{}

// Format implements fmt.Formatter for every verb.
func (Opaque) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue implements slog.LogValuer.
func (Opaque) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler, which JSON and YAML use.
func (Opaque) MarshalText() ([]byte, error) { return []byte(redacted), nil }
