package devmode

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// pageWait bounds the reading of one page.
const pageWait = 3 * time.Second

// Pages is what the node shows of itself to whoever reaches its admin port, by
// path. What cannot be read, as of a node that was killed, is left out.
func (n Node) Pages(ctx context.Context) map[string][]byte {
	return pages(ctx, n.Admin, "/metrics", "/readyz", "/healthz", "/version")
}

// Pages is what the server shows of itself to whoever reaches its monitor,
// likewise.
func (s NATSServer) Pages(ctx context.Context) map[string][]byte {
	return pages(ctx, s.Monitor, "/varz", "/connz?subs=detail&auth=true", "/jsz?streams=true&consumers=true&config=true")
}

func pages(ctx context.Context, addr string, paths ...string) map[string][]byte {
	all := map[string][]byte{}
	for _, path := range paths {
		if text, err := page(ctx, "http://"+addr+path); err == nil {
			all[path] = text
		}
	}
	return all
}

// page reads one, whatever its status.
func page(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, pageWait)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", url, err)
	}
	return text, nil
}
