// Package doctor looks at everything outside that LTI launches depend on, and says what to fix: platforms' key sets and
// clocks, the descriptions of those that may register themselves, our own keys, the store of what was seen.
package doctor

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lti/keyset"
	"github.com/stackhook/stackhook/shared/once"
)

const (
	// skew is how far clocks may be apart: launches allow for no more.
	skew = time.Minute
	// atOnce is how many platforms are asked at a time; one that hangs takes seconds.
	atOnce = 8
)

// Run is Doctor on a source, with clients and clock of its own.
func Run(ctx context.Context, src config.Source, out io.Writer) int {
	c, err := src.Load()
	if err != nil {
		return write(out, []finding{fix("configuration: %s", err.Error())})
	}
	return Doctor(ctx, c, nil, time.Now, out)
}

// Doctor prints a line for each thing it looked at, which begins with ok or FIX, and gives the number of faults. It
// changes nothing but that the store remembers a random key for a second.
func Doctor(ctx context.Context, c *config.Config, client *http.Client, now func() time.Time, out io.Writer) int {
	found := platforms(ctx, c, client, now)
	found = append(found, registrations(ctx, c, client)...)
	found = append(found, toolKeys(c), store(ctx, c, now))
	return write(out, found)
}

type finding struct {
	fault bool
	text  string
}

func ok(format string, args ...any) finding  { return finding{false, fmt.Sprintf(format, args...)} }
func fix(format string, args ...any) finding { return finding{true, fmt.Sprintf(format, args...)} }

// write gives the number of faults. A write that fails is not worth an exit code of its own.
func write(out io.Writer, found []finding) int {
	faults := 0
	for _, f := range found {
		word := "ok "
		if f.fault {
			word = "FIX"
			faults++
		}
		_, _ = fmt.Fprintf(out, "%s %s\n", word, f.text)
	}
	return faults
}

func platforms(ctx context.Context, c *config.Config, client *http.Client, now func() time.Time) []finding {
	if len(c.LTI.Platforms) == 0 {
		return []finding{ok("lti.platforms: there are none, so that launches are LTI 1.1 only")}
	}
	return each(c.LTI.Platforms, func(p config.Platform) []finding { return platform(ctx, p, client, now) })
}

// each looks at some entries at once, and keeps their order.
func each[T any](entries []T, look func(T) []finding) []finding {
	found := make([][]finding, len(entries))
	free := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i, entry := range entries {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			found[i] = look(entry)
		})
	}
	wg.Wait()
	return slices.Concat(found...)
}

func platform(ctx context.Context, p config.Platform, client *http.Client, now func() time.Time) []finding {
	who := fmt.Sprintf("platform %q, client %q: ", p.Issuer, p.ClientID)
	report, err := keyset.Inspect(ctx, client, p.JWKSURL, p.Algorithms)
	if err != nil {
		return []finding{fix("%sits key set cannot be used (%s); correct jwks_url, or let this machine reach it", who, err.Error())}
	}
	found := []finding{ok("%s%d usable of %d keys", who, report.Usable, report.Usable+len(report.Unfit))}
	if report.Usable == 0 {
		found[0] = fix("%sits key set has no usable key%s; correct jwks_url, or tell the platform's people", who, because(report.Unfit))
	}
	switch ahead := now().Sub(report.Date).Round(time.Second); {
	case report.Date.IsZero():
	case ahead > skew:
		found = append(found, fix("%sour clock is %v ahead of the platform's; let both follow a time server", who, ahead))
	case ahead < -skew:
		found = append(found, fix("%sour clock is %v behind the platform's; let both follow a time server", who, -ahead))
	}
	return found
}

func because(unfit []string) string {
	if len(unfit) == 0 {
		return ", because it is empty"
	}
	return " (" + strings.Join(unfit, "; ") + ")"
}

func toolKeys(c *config.Config) finding {
	keys := c.LTI.ToolKeys
	_, err := keyset.ParseOwn(keys.Current.Reveal(), keys.Next.Reveal(), keys.Previous.Reveal())
	switch {
	case errors.Is(err, keyset.ErrNoKeys) && len(c.LTI.Registration) > 0:
		return fix("lti.tool_keys: there are none, but lti.registration needs them; put what openssl genrsa 2048 prints into current_file")
	case errors.Is(err, keyset.ErrNoKeys):
		return ok("lti.tool_keys: there are none, so that instructors cannot pick labs by deep linking")
	case err != nil:
		return fix("lti.tool_keys: %s", err.Error())
	}
	return ok("lti.tool_keys: they can be used")
}

func store(ctx context.Context, c *config.Config, now func() time.Time) finding {
	if c.Store == "memory" {
		return ok("store: memory, which is right for one process only")
	}
	s, err := once.Open(c.Store, c.StorePassword.Reveal(), now)
	if err != nil {
		return fix("store: %s", err.Error())
	}
	first, err := s.First(ctx, "doctor "+rand.Text(), time.Second)
	if err != nil {
		return fix("store: %s does not answer (%s); correct store and store_password, or start it", c.Store, err.Error())
	}
	if !first {
		return fix("store: %s knows a key that was never there; it is no Redis of ours", c.Store)
	}
	return ok("store: %s answers", c.Store)
}
