package park

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"time"
)

// patience bounds what should happen at once.
const patience = time.Minute

// owned is a socket whose owner tells what happened.
type owned struct {
	Socket
	told chan Events
	read func() // called by Ready; nil: nothing is read
}

func (o *owned) Ready(e Events) {
	if o.read != nil {
		o.read()
	}
	o.told <- e
}

// pair is a socket and its peer.
func pair(t *testing.T) (*owned, *net.TCPConn) {
	t.Helper()
	l, p := door(t)
	o, peer := enter(t, l, p)
	t.Cleanup(func() { _, _ = o.Close(), peer.Close() })
	return o, peer
}

// door is a listener, and the poller for its sockets.
func door(t *testing.T) (*Listener, *Poller) {
	t.Helper()
	l, err := Listen(t.Context(), "127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	p, err := NewPoller()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close(); p.Wait() })
	return l, p
}

// enter connects to l. Whoever calls it closes both ends.
func enter(t *testing.T, l *Listener, p *Poller) (*owned, *net.TCPConn) {
	t.Helper()
	peer, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	fd, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	o := &owned{told: make(chan Events, 1000)}
	if err := o.Open(p, fd, o); err != nil {
		t.Fatal(err)
	}
	return o, peer.(*net.TCPConn)
}

// await returns once one of the wanted events was told.
func (o *owned) await(t *testing.T, want Events) {
	t.Helper()
	limit := time.After(patience)
	for {
		select {
		case e := <-o.told:
			if e&want != 0 {
				return
			}
		case <-limit:
			t.Fatalf("%v was not told", want)
		}
	}
}

func TestReadWaitsUntilParked(t *testing.T) {
	o, peer := pair(t)
	go func() { _, _ = peer.Write([]byte("one")) }()
	b := make([]byte, 10)
	if n, err := o.Read(b); err != nil || string(b[:n]) != "one" {
		t.Fatalf("read %q, %v", b[:n], err)
	}
	freed := make(chan error)
	go func() {
		_, err := o.Read(b)
		freed <- err
	}()
	time.Sleep(10 * time.Millisecond) // most likely it waits
	o.Park()
	if err := <-freed; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the one that waited got %v", err)
	}
	o.await(t, Woken)
	if _, err := peer.Write([]byte("two")); err != nil {
		t.Fatal(err)
	}
	o.await(t, Readable)
	if n, err := o.Read(b); err != nil || string(b[:n]) != "two" {
		t.Fatalf("read %q, %v", b[:n], err)
	}
	if _, err := o.Read(b); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("with nothing there: %v", err)
	}
	_ = peer.CloseWrite()
	o.await(t, hangup)
	for range 2 {
		if _, err := o.Read(b); err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
	}
}

// What came before Park is told by Park.
func TestParkTellsWhatCameBefore(t *testing.T) {
	o, peer := pair(t)
	if _, err := peer.Write([]byte("early")); err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 100)
	o.read = func() {
		b := make([]byte, 2) // more than one read
		for n, err := o.Read(b); err == nil; n, err = o.Read(b) {
			got <- string(b[:n])
		}
	}
	o.Park()
	text := ""
	for text != "early" {
		select {
		case s := <-got:
			text += s
		case <-time.After(patience):
			t.Fatalf("came: %q", text)
		}
	}
}

func TestDeadlines(t *testing.T) {
	o, _ := pair(t)
	o.ReadBy(time.Now().Add(time.Hour))
	o.Park()
	o.await(t, Woken)
	start := time.Now()
	o.ReadBy(start.Add(300 * time.Millisecond)) // earlier than before
	o.await(t, Timeout)
	if passed := time.Since(start); passed < 300*time.Millisecond {
		t.Errorf("told after %v", passed)
	}
	// A deadline that is moved must not pass before, on a machine that stands
	// still.
	const first, second = time.Second, 1400 * time.Millisecond
	start = time.Now()
	o.ReadBy(start.Add(first))
	o.ReadBy(start.Add(second)) // later
	o.await(t, Timeout)
	if passed := time.Since(start); passed < second {
		t.Errorf("told after %v", passed)
	}
	o.ReadBy(time.Now().Add(first))
	o.ReadBy(time.Time{})
	select {
	case e := <-o.told:
		t.Errorf("told %b after the deadline was lifted", e)
	case <-time.After(second):
	}
}

// fill writes until the system takes no more.
func (o *owned) fill(t *testing.T) (written int) {
	t.Helper()
	for !o.Backlog() {
		n, err := o.Write(make([]byte, 16<<10))
		if err != nil {
			t.Fatal(err)
		}
		written += n
	}
	return written
}

func TestBacklog(t *testing.T) {
	o, peer := pair(t)
	o.Park()
	written := o.fill(t)
	o.CloseWrite()
	all, err := io.ReadAll(peer)
	if err != nil || len(all) != written {
		t.Fatalf("%d bytes of %d arrived, %v", len(all), written, err)
	}
	o.await(t, Drained)
	if o.Backlog() {
		t.Error("there still is a backlog")
	}
}

func TestBacklogIsGivenUp(t *testing.T) {
	o, _ := pair(t)
	o.Park()
	o.fill(t)
	o.WriteBy(time.Now().Add(200 * time.Millisecond))
	o.await(t, Drained)
	if _, err := o.Write([]byte("more")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Write = %v", err)
	}
}

// What nobody set a deadline for is not kept for ever either, and who only
// reads is told.
func TestDeafPeerIsGivenUp(t *testing.T) {
	o, _ := pair(t)
	o.poller.unasked = 200 * time.Millisecond
	o.Park()
	o.fill(t)
	o.await(t, Timeout)
	if _, err := o.Read(make([]byte, 1)); !errors.Is(err, ErrBacklog) {
		t.Errorf("Read = %v", err)
	}
}

func TestBacklogIsBounded(t *testing.T) {
	o, _ := pair(t)
	o.Park()
	var err error
	for n := 0; err == nil; n++ {
		if n > 10_000 {
			t.Fatal("a peer that does not read can be written to for ever")
		}
		_, err = o.Write(make([]byte, 16<<10))
	}
	if !errors.Is(err, ErrBacklog) {
		t.Errorf("Write = %v", err)
	}
}

// The same through pieces of every size, both ways at once.
func TestBytesThroughPieces(t *testing.T) {
	o, peer := pair(t)
	want := make([]byte, 3<<20)
	for i := range want {
		want[i] = byte(i * i >> 3)
	}
	echo, done := make(chan []byte, 1000), make(chan struct{})
	b := make([]byte, 700)
	o.read = func() {
		for n, err := o.Read(b); err == nil; n, err = o.Read(b) {
			echo <- bytes.Clone(b[:n])
		}
	}
	go func() {
		for { // nobody else takes them
			select {
			case <-o.told:
			case <-done:
				return
			}
		}
	}()
	t.Cleanup(func() { close(done) })
	go func() {
		for rest := want; len(rest) > 0; {
			n := min(len(rest), 1+len(rest)%701)
			if _, err := peer.Write(rest[:n]); err != nil {
				return
			}
			rest = rest[n:]
		}
	}()
	go o.Park()
	got := make([]byte, 0, len(want))
	for len(got) < len(want) {
		select {
		case p := <-echo:
			got = append(got, p...)
		case <-time.After(patience):
			t.Fatalf("%d of %d bytes came", len(got), len(want))
		}
	}
	if !bytes.Equal(got, want) {
		t.Error("other bytes came")
	}
	_ = o.Close()
}

// A socket that nothing happens to has no goroutine.
func TestIdleSocketsCostNoGoroutine(t *testing.T) {
	l, p := door(t)
	before := runtime.NumGoroutine()
	for range 100 {
		o, peer := enter(t, l, p)
		defer peer.Close()
		o.ReadBy(time.Now().Add(time.Hour))
		o.Park()
		defer o.Close()
	}
	if more := runtime.NumGoroutine() - before; more > 5 {
		t.Errorf("%d goroutines more", more)
	}
}

func TestCloseSetsFree(t *testing.T) {
	o, _ := pair(t)
	freed := make(chan error)
	go func() {
		_, err := o.Read(make([]byte, 1))
		freed <- err
	}()
	time.Sleep(10 * time.Millisecond)
	_ = o.Close()
	select {
	case err := <-freed:
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("Read = %v", err)
		}
	case <-time.After(patience):
		t.Error("Read waits on")
	}
	if _, err := o.Write([]byte{1}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write = %v", err)
	}
	if o.Remote().IsValid() {
		t.Error("a closed socket has a peer")
	}
}
