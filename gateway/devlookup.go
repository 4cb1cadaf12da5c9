package main

import (
	"errors"

	"github.com/hawser-edge/hawser/gateway/config"
)

const devUsage = "`DIR` with the state of a running dev. Default: HAWSER_DEV_DIR, or hawser/dev in the user's cache directory"

// findDev returns the state of a dev that runs beside this command, or nil
// where there is none. dir is the value of --dev; naming one that does not
// exist is an error.
func findDev(c *console, dir string) (*config.DevState, error) {
	named := dir != ""
	if !named {
		var err error
		if dir, err = config.DevDir(c.getenv); err != nil {
			return nil, nil // A system without a cache directory has no dev.
		}
	}
	s, err := config.LoadDevState(dir)
	switch {
	case errors.Is(err, config.ErrNoDev) && named:
		return nil, usagef("%w: start it with %s dev", err, c.self)
	case errors.Is(err, config.ErrNoDev):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &s, nil
}
