package devmode

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// pollEvery is how often Until tries.
const pollEvery = 10 * time.Millisecond

type final struct{ error }

func (f final) Unwrap() error { return f.error }

// StopTrying marks an error that waiting does not mend.
func StopTrying(err error) error { return final{err} }

// Until repeats try until it succeeds, ctx ends or the error is one of
// StopTrying. It returns the last error of try.
func Until(ctx context.Context, try func() error) error {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		err := try()
		var f final
		if err == nil || errors.As(err, &f) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("time is up: %w", err)
		case <-ticker.C:
		}
	}
}
