package keyset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/trace"
)

const (
	timeout      = 3 * time.Second
	maxSize      = 256 << 10
	maxRedirects = 3
)

// guarded is a client that stays on the host it was sent to.
func guarded(base *http.Client) *http.Client {
	client := http.Client{Transport: trace.Transport(&http.Transport{
		Proxy:                  http.ProxyFromEnvironment, // the platform's setting, not ours
		DialContext:            (&net.Dialer{Timeout: timeout}).DialContext,
		TLSHandshakeTimeout:    timeout,
		ResponseHeaderTimeout:  timeout,
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConnsPerHost:    1,
		IdleConnTimeout:        30 * time.Second,
	})}
	if base != nil {
		client = *base
	}
	client.CheckRedirect = func(to *http.Request, via []*http.Request) error {
		from := via[0].URL
		switch {
		case to.URL.Scheme != from.Scheme || to.URL.Host != from.Host:
			return errors.New("it redirects to another host")
		case len(via) > maxRedirects:
			return errors.New("it redirects too often")
		}
		return nil
	}
	return &client
}

// fetch gets the key set at url, and the header that came with it. The Content-Type is not looked at: platforms send many.
func fetch(ctx context.Context, client *http.Client, url string) (set, http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("make request for key set: %w", err)
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "stackhook")
	response, err := client.Do(request)
	if err != nil {
		return nil, nil, fmt.Errorf("fetch key set: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("fetch key set: the platform answers %d", response.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxSize+1))
	if err != nil {
		return nil, nil, fmt.Errorf("read key set: %w", err)
	}
	if len(text) > maxSize {
		return nil, nil, errors.New("read key set: it is larger than 256 KiB")
	}
	keys, err := parse(text)
	if err != nil {
		return nil, nil, err
	}
	return keys, response.Header, nil
}

// life is how long an answer may be kept (RFC 9111, 5.2.2). What we cannot read counts as "not at all".
func life(header http.Header) time.Duration {
	kept := maxLife
	for directive := range strings.SplitSeq(strings.ToLower(strings.Join(header.Values("Cache-Control"), ",")), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch name {
		case "no-store", "no-cache":
			kept = 0
		case "max-age":
			seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
			if err != nil {
				seconds = 0
			}
			kept = min(kept, time.Duration(seconds)*time.Second-age(header))
		}
	}
	return max(kept, minLife)
}

// age is how long a cache on the way had the answer already.
func age(header http.Header) time.Duration {
	seconds, err := strconv.ParseUint(header.Get("Age"), 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
