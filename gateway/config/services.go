package config

import (
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Services are what devices may call of a tenant's backend, besides sync: by
// the name of a service, with all its methods, or of one method as
// SERVICE.METHOD, who answers it. That is ServiceOverNATS, or a URL that
// routers POST to. sync.KIND with a URL answers sync of a kind that the
// backend numbers; without, the backend answers it over NATS.
//
// In YAML a list of names stands for services that all are answered over
// NATS.
type Services map[string]string

// ServiceOverNATS: the backend answers on hawser.v1.up.TENANT.SERVICE.METHOD.
const ServiceOverNATS = "nats"

// HTTP returns those with a URL.
func (s Services) HTTP() map[string]string {
	out := map[string]string{}
	for name, where := range s {
		if where != ServiceOverNATS {
			out[name] = where
		}
	}
	return out
}

// Names returns the names, sorted, without those of sync.
func (s Services) Names() []string {
	names := slices.Sorted(maps.Keys(s))
	return slices.DeleteFunc(names, isSync)
}

func (s Services) setDefaults() {
	for name, where := range s {
		orDefault(&where, ServiceOverNATS)
		s[name] = where
	}
}

func isSync(name string) bool {
	service, _, _ := strings.Cut(name, ".")
	return service == "sync"
}

// services decodes the list form.
func (d *decoder) services(path string, n *yaml.Node, v reflect.Value) {
	out := Services{}
	for i, item := range n.Content {
		var name string
		d.value(index(path, i), item, reflect.ValueOf(&name).Elem())
		if _, dup := out[name]; dup {
			d.addf(index(path, i), "names %s a second time: leave one", quote(name))
		}
		out[name] = ""
		d.at(path+"."+name, item)
	}
	v.Set(reflect.ValueOf(out))
}

func (t *Tenant) checkServices(k *checker, path string, secrets bool) {
	for _, name := range slices.Sorted(maps.Keys(t.Services)) {
		p, where := path+".services."+name, t.Services[name]
		service, method, one := strings.Cut(name, ".")
		k.id(p, service)
		if one {
			k.id(p, method)
		}
		if service == "sync" {
			t.checkSync(k, p, method, where)
		}
		if where != ServiceOverNATS {
			checkServiceURL(k, p, where)
		}
	}
	for i, name := range t.Idempotent {
		service, _, _ := strings.Cut(name, ".")
		_, whole := t.Services[service]
		if _, ok := t.Services[name]; !ok && !whole {
			k.addf(index(path+".idempotent", i), "%s is not among services: devices may not call it", quote(name))
		}
	}
	if secrets {
		t.checkServiceSecrets(k, path)
	}
}

func (t *Tenant) checkSync(k *checker, path, kind, where string) {
	switch {
	case where == ServiceOverNATS:
		k.addf(path, "sync is always there: leave it out, or give sync.KIND a URL")
	case t.Kinds[kind].NumberedBy != NumberedByBackend:
		k.addf(path, "hawser answers sync of this kind itself: leave it out, or set numbered_by: backend for the kind")
	}
}

func (t *Tenant) checkServiceSecrets(k *checker, path string) {
	if len(t.Services.HTTP()) > 0 && len(t.ServiceSecretFiles) == 0 {
		k.addf(path+".service_secret_files", "is required where services have URLs: name a file with the secret that calls are signed with, openssl rand -hex 32 makes one")
	}
	for i, f := range t.ServiceSecretFiles {
		k.key(index(path+".service_secret_files", i), f, 32)
	}
}

// checkServiceURL lets plain HTTP through to the loopback only: the tokens of
// devices travel there.
func checkServiceURL(k *checker, path, raw string) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		// The value is not repeated: a password may stand in it.
		k.addf(path, "must be nats or a URL: write for example https://api.example.com/hawser")
	case u.User != nil:
		k.addf(path, "holds a user: take it out, calls are signed with service_secret_files instead")
	case u.Fragment != "":
		k.addf(path, "holds a #, and what follows is never sent: take it out")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		k.addf(path, "is plain HTTP to another machine: use https, the tokens of devices travel there")
	}
}
