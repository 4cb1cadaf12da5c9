package config

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// place is where a field's value came from.
type place struct {
	line int
	env  string
}

// checker gathers problems. It knows where each field that was given stands.
type checker struct {
	places   map[string]place
	problems []Problem
}

// addf adds a problem of a field. A field that was not given is blamed on the
// innermost section around it.
func (k *checker) addf(path, format string, args ...any) {
	var at place
	for _, p := range withParents(path) {
		if known, ok := k.places[p]; ok {
			at = known
			break
		}
	}
	k.problems = append(k.problems, Problem{Path: path, Line: at.line, Env: at.env, Text: fmt.Sprintf(format, args...)})
}

// quote shows a value in an error, at most 80 bytes of it.
func quote(s string) string {
	if len(s) > 80 {
		return strconv.Quote(s[:80]) + "..."
	}
	return strconv.Quote(s)
}

var idPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func (k *checker) id(path, v string) {
	switch {
	case v == "":
		k.addf(path, "is required: give a name that matches [A-Za-z0-9_-]{1,64}")
	case !idPattern.MatchString(v):
		k.addf(path, "%s must match [A-Za-z0-9_-]{1,64}", quote(v))
	}
}

func (k *checker) oneOf(path, v string, allowed ...string) {
	if slices.Contains(allowed, v) {
		return
	}
	last := len(allowed) - 1
	list := strings.Join(allowed[:last], ", ") + " or " + allowed[last]
	if v == "" {
		k.addf(path, "is required: give %s", list)
		return
	}
	k.addf(path, "%s must be %s", quote(v), list)
}

func (k *checker) between(path string, v, least, most int) {
	if v < least || v > most {
		k.addf(path, "is %d: it must be %d to %d", v, least, most)
	}
}

func (k *checker) duration(path string, v, least, most time.Duration) {
	if v < least || v > most {
		k.addf(path, "is %s: it must be %s to %s", v, least, most)
	}
}

// listen checks an address to listen on; host may be empty.
func (k *checker) listen(path, v string) {
	_, port, err := net.SplitHostPort(v)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		k.addf(path, "%s is not host:port: write for example :7443 or 127.0.0.1:7443", quote(v))
	}
}

// network checks a network, and returns one that is not valid where it is none.
// Sources that IPv6 names with an address of IPv4 in it are looked for as IPv4.
func (k *checker) network(path, v string) netip.Prefix {
	p, err := netip.ParsePrefix(v)
	if err != nil || p.Addr().Is4In6() {
		k.addf(path, "%s is no network: write for example 192.0.2.0/24 or 2001:db8::/32", quote(v))
		return netip.Prefix{}
	}
	return p
}

// dial checks an address to connect to.
func (k *checker) dial(path, v string) {
	host, port, err := net.SplitHostPort(v)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil || host == "" || port == "0" {
		k.addf(path, "%s is not host:port: write for example edge-2.example.com:443", quote(v))
	}
}

// file reads a file that must exist and not be empty.
func (k *checker) file(path, name string) []byte {
	if name == "" {
		k.addf(path, "is required: name a file")
		return nil
	}
	if pasted(name) {
		k.addf(path, "holds a secret itself: put it into a file and name that")
		return nil
	}
	b, err := readFile(name)
	switch {
	case err != nil:
		k.addf(path, "cannot read %s: %s: correct the path or its permissions", name, why(err))
	case len(b) == 0:
		k.addf(path, "%s is empty: put the content in or name another file", name)
	}
	return b
}

func (k *checker) secret(path string, f SecretFile) { k.file(path, string(f)) }

// key checks a file with a key that must not be guessable by its length.
func (k *checker) key(path string, f SecretFile, least int) {
	// White space around a key is no part of it.
	n := len(bytes.TrimSpace(k.file(path, string(f))))
	if n > 0 && n < least {
		k.addf(path, "%s holds %d bytes: at least %d are needed, for example from openssl rand -hex 32", string(f), n, least)
	}
}

func (k *checker) optionalCA(path string, f File) {
	if f == "" {
		return
	}
	if b := k.file(path, string(f)); len(b) > 0 && !x509.NewCertPool().AppendCertsFromPEM(b) {
		k.addf(path, "%s holds no certificate in PEM", string(f))
	}
}

func (k *checker) tls(path string, t TLS) {
	cert := k.file(path+".cert_file", string(t.CertFile))
	key := k.file(path+".key_file", string(t.KeyFile))
	if len(cert) == 0 || len(key) == 0 {
		return
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		k.addf(path, "certificate and key do not fit: %s", strings.TrimPrefix(err.Error(), "tls: "))
	} else if end := pair.Leaf.NotAfter; time.Now().After(end) {
		k.addf(path+".cert_file", "%s expired on %s: clients would refuse it, renew it", string(t.CertFile), end.UTC().Format(time.DateOnly))
	}
}
