package routing

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hawser-edge/hawser/gateway/wire"
)

// ServiceName splits the name of an entry of a tenant's services: "orders" is
// the service orders with every method, "orders.create" is one method.
func ServiceName(name string) (service, method string, err error) {
	service, method, one := strings.Cut(name, ".")
	if err := wire.CheckID("service", service); err != nil {
		return "", "", err
	}
	if one {
		if err := wire.CheckID("method", method); err != nil {
			return "", "", fmt.Errorf("service %s: %w", service, err)
		}
	}
	return service, method, nil
}

// ServiceAllowed reports whether devices of the tenant may call a method.
// Whether a kind exists that is asked of sync is another question.
func (c *Catalog) ServiceAllowed(tenant, service, method string) bool {
	t, ok := c.tenants[tenant]
	return ok && (service == ServiceSync || names(t.Services, service, method))
}

// Idempotent reports whether a method may be called again when nobody
// answered: its repeat changes nothing.
func (c *Catalog) Idempotent(tenant, service, method string) bool {
	t, ok := c.tenants[tenant]
	return ok && (service == ServiceSync || names(t.Idempotent, service, method))
}

// names reports whether a list names a method, by itself or with its service.
func names(list []string, service, method string) bool {
	return slices.Contains(list, service) || slices.Contains(list, service+"."+method)
}

// HTTPService is where routers send the calls of a service, or of one method
// where that has a URL of its own.
func (c *Catalog) HTTPService(tenant, service, method string) (url string, ok bool) {
	t := c.tenants[tenant]
	if t == nil {
		return "", false
	}
	if url, ok = t.HTTP[service+"."+method]; !ok {
		url, ok = t.HTTP[service]
	}
	return url, ok
}

// UpstreamOverHTTP returns the subjects, with wildcards, of a tenant's calls
// that routers take to send them over HTTP. No two of them overlap.
func (c *Catalog) UpstreamOverHTTP(tenant string) (subjects []string) {
	t := c.tenants[tenant]
	if t == nil {
		return nil
	}
	for name := range t.HTTP {
		service, method, _ := strings.Cut(name, ".")
		if _, whole := t.HTTP[service]; whole && method != "" {
			continue // the whole service's subject has it
		}
		if method == "" {
			method = "*"
		}
		subjects = append(subjects, UpstreamSubject(tenant, service, method))
	}
	slices.Sort(subjects)
	return subjects
}

func (t *Tenant) checkServices() error {
	for _, name := range t.Services {
		service, _, err := ServiceName(name)
		if err != nil {
			return err
		}
		if service == ServiceSync {
			return fmt.Errorf("service %q: sync is always there", name)
		}
	}
	for _, name := range t.Idempotent {
		if service, method, err := ServiceName(name); err != nil {
			return err
		} else if !names(t.Services, service, method) {
			return fmt.Errorf("service %q is idempotent, but devices may not call it", name)
		}
	}
	for name, url := range t.HTTP {
		if err := t.checkHTTP(name, url); err != nil {
			return fmt.Errorf("service %q: %w", name, err)
		}
	}
	return nil
}

func (t *Tenant) checkHTTP(name, url string) error {
	service, method, err := ServiceName(name)
	if err != nil {
		return err
	}
	if service == ServiceSync {
		if !t.Kinds[method].Backend {
			return errors.New("hawser answers sync itself, but for kinds that the backend numbers")
		}
	} else if !slices.Contains(t.Services, name) {
		return errors.New("has a URL, but devices may not call it")
	}
	if url == "" {
		return errors.New("its URL is empty")
	}
	return nil
}
