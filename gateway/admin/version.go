package admin

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Version is what a program knows about its own making.
type Version struct {
	// Version is the module's version, or "devel" for a build from a tree.
	Version string `json:"version"`
	// Commit is the revision of the tree, or empty where it is not known.
	Commit string `json:"commit"`
	// Modified says that the tree had changes which are in no commit.
	Modified bool `json:"modified"`
	// Go is the version of the compiler.
	Go string `json:"go"`
	// Platform is the operating system and the architecture.
	Platform string `json:"platform"`
}

// ReadVersion returns the version of the running program.
func ReadVersion() Version {
	v := Version{Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if m := info.Main.Version; m != "" && m != "(devel)" {
		v.Version = m
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

// String is the version on one line.
func (v Version) String() string {
	commit := ""
	if v.Commit != "" {
		commit = fmt.Sprintf(" commit %.12s", v.Commit)
		if v.Modified {
			commit += " with changes"
		}
	}
	return fmt.Sprintf("%s%s %s %s", v.Version, commit, v.Go, v.Platform)
}
