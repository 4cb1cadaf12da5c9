package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// A disk is filled also while a server writes to it.
func TestFillWhileItIsWrittenTo(t *testing.T) {
	s := &spaces{dir: t.TempDir()}
	mountStore(t, s, "nats")
	f, err := os.Create(filepath.Join(s.store("nats"), "stream"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for page := make([]byte, 4096); ; {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := f.Write(page); errors.Is(err, unix.ENOSPC) {
				_ = f.Truncate(0)
			}
		}
	}()
	for range 200 {
		if err := errors.Join(s.fill("nats"), s.free("nats")); err != nil {
			t.Error(err)
			break
		}
	}
	close(stop)
	<-stopped
	if err := s.fill("nats"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(make([]byte, 1<<20)); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("writing to a full disk: %v", err)
	}
}

// mountStore makes a member's store in a mount namespace of this thread's own,
// which ends with the test.
func mountStore(t *testing.T, s *spaces, member string) {
	t.Helper()
	runtime.LockOSThread() // for good: the thread ends with the test's goroutine
	if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
		t.Skipf("a mount namespace of its own: %v", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(s.store(member), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", s.store(member), "tmpfs", 0, "size="+strconv.Itoa(storeMost)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(s.store(member), 0); err != nil {
			t.Error(err)
		}
	})
}
