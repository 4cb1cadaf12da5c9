package main

import "log/slog"

// newLog logs JSON lines to standard error. What libraries print through
// package log, such as QUIC's word about small socket buffers, becomes lines
// of the same form, so that the log can be parsed.
func newLog(c *console, level slog.Level) *slog.Logger {
	log := slog.New(slog.NewJSONHandler(c.stderr, &slog.HandlerOptions{Level: level}))
	slog.SetDefault(log)
	return log
}
