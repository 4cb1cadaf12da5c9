package reuseport

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// insideVar says to a process of this test that it is in a network namespace of
// its own, and what tcp_migrate_req has to be there.
const insideVar = "HAWSER_TEST_MIGRATE"

// Processes leave a port at which devices connect without a pause, and nobody
// is refused, whatever the system's setting.
func TestLeave(t *testing.T) {
	for name, setting := range map[string]string{"migrate": "1", "settle": "0"} {
		t.Run(name, func(t *testing.T) {
			if os.Getenv(insideVar) != "" {
				t.Skip("this is the process inside")
			}
			t.Parallel()
			runInside(t, setting)
		})
	}
}

// runInside runs TestInside in a namespace, for a system's settings are no
// test's to change.
func runInside(t *testing.T, setting string) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestInside$", "-test.v")
	cmd.Env = append(os.Environ(), insideVar+"="+setting)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Skipf("this needs a network namespace: %v", err)
	}
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}

func TestInside(t *testing.T) {
	setting := os.Getenv(insideVar)
	if setting == "" {
		t.Skip("TestLeave runs it in a namespace")
	}
	loopbackUp(t)
	if err := os.WriteFile("/proc/sys/net/ipv4/tcp_migrate_req", []byte(setting), 0); err != nil {
		t.Fatal(err)
	}
	rounds := 10
	if setting == "0" {
		rounds = 1 // takes a second
	}
	if n, err := strconv.Atoi(os.Getenv("HAWSER_TEST_ROUNDS")); err == nil {
		rounds = n
	}
	for _, addr := range []string{"127.0.0.1:7443", "[::1]:7443"} {
		t.Run(addr, func(t *testing.T) {
			stays := listen(t, addr)
			defer stays.Close()
			go serve(stays)
			c := connecting(addr)
			for range rounds {
				leaves := listen(t, addr)
				gone := make(chan struct{})
				go func() {
					serve(leaves)
					close(gone)
				}()
				c.more(t, 200)
				if err := leaves.leave(); err != nil {
					t.Error(err)
				}
				_ = leaves.Close()
				<-gone
			}
			c.more(t, 200)
			c.stop()
			t.Logf("%d rounds, %d connections, the slowest took %s, %d failed: %v",
				rounds, c.done.Load(), time.Duration(c.slowest.Load()), c.failed.Load(), c.why.Load())
			if c.failed.Load() > 0 {
				t.Error("connections were refused")
			}
		})
	}
}

func loopbackUp(t *testing.T) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	lo.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		t.Fatal(err)
	}
}

// listener is one process's.
type listener struct {
	*net.TCPListener
	leaving atomic.Bool
}

func listen(t *testing.T, addr string) *listener {
	t.Helper()
	var lc net.ListenConfig
	Share(&lc)
	l, err := lc.Listen(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return &listener{TCPListener: l.(*net.TCPListener)}
}

func (l *listener) leave() error {
	raw, err := l.SyscallConn()
	if err != nil {
		return err
	}
	l.leaving.Store(true)
	return Leave(context.Background(), raw)
}

// serve answers each connection with what it says.
func serve(l *listener) {
	for {
		c, err := l.AcceptTCP()
		if err != nil {
			return
		}
		if l.leaving.Load() {
			raw, err := c.SyscallConn()
			if err == nil {
				_ = raw.Control(func(fd uintptr) { Release(int(fd)) })
			}
		}
		go func() {
			defer c.Close()
			var b [1]byte
			if _, err := c.Read(b[:]); err == nil {
				_, _ = c.Write(b[:])
				_, _ = c.Read(b[:])
			}
		}()
	}
}

// clients connect without a pause.
type clients struct {
	running sync.WaitGroup
	over    atomic.Bool

	done, failed, slowest atomic.Int64
	why                   atomic.Value // of error
}

func connecting(addr string) *clients {
	c := &clients{}
	for range 16 {
		c.running.Go(func() {
			for !c.over.Load() {
				start := time.Now()
				if err := once(addr); err != nil {
					c.failed.Add(1)
					c.why.Store(err)
				}
				c.done.Add(1)
				took := int64(time.Since(start))
				for s := c.slowest.Load(); took > s && !c.slowest.CompareAndSwap(s, took); s = c.slowest.Load() {
				}
			}
		})
	}
	return c
}

// once connects, and is answered.
func once(addr string) error {
	d := net.Dialer{Timeout: time.Minute}
	conn, err := d.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetLinger(0) // leaves no TIME_WAIT
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	b := []byte{1}
	if _, err := conn.Write(b); err != nil {
		return err
	}
	_, err = conn.Read(b)
	return err
}

// more waits for n more connections.
func (c *clients) more(t *testing.T, n int64) {
	t.Helper()
	for end := time.Now().Add(time.Minute); n > 0; {
		before := c.done.Load()
		time.Sleep(time.Millisecond)
		n -= c.done.Load() - before
		if time.Now().After(end) {
			t.Fatal("nobody connects")
		}
	}
}

func (c *clients) stop() {
	c.over.Store(true)
	c.running.Wait()
}
