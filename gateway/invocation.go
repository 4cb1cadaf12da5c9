package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
)

// invocation returns what a user types to start this program again: "go run
// ./gateway" where go run built it, otherwise the path or name it was started
// with.
func invocation() string {
	executable, err := os.Executable()
	if err != nil {
		executable = os.Args[0]
	}
	info, _ := debug.ReadBuildInfo()
	if info != nil && builtByGoRun(executable) {
		return "go run ." + strings.TrimPrefix(info.Path, info.Main.Path)
	}
	return startedAs(os.Args[0], executable)
}

// goRun matches where go run puts a program: a fresh one into a working
// directory, one that it built before into the build cache.
var goRun = regexp.MustCompile(`/go-build[0-9]+/b[0-9]+/exe/[^/]+$|/[0-9a-f]{2}/[0-9a-f]{64}-d/[^/]+$`)

func builtByGoRun(executable string) bool {
	return goRun.MatchString(filepath.ToSlash(executable))
}

// startedAs shortens a program of the search path to its name; anything else
// is shown as it was typed.
func startedAs(arg, executable string) string {
	name := filepath.Base(arg)
	if found, err := exec.LookPath(name); err == nil && found == executable {
		return name
	}
	return arg
}
