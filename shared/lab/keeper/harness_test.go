package keeper_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// mortal is the connection of a process that dies after so many requests: what it would have sent then is never sent.
type mortal struct{ left atomic.Int64 }

func (m *mortal) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.Contains(r.URL.Path, "/identity") && m.left.Add(-1) < 0 {
		return nil, errors.New("the process is dead")
	}
	return http.DefaultTransport.RoundTrip(r)
}

// clientOf is a client of the fake cloud, which may die.
func clientOf(t *testing.T, fake *openstacktest.Cloud, transport http.RoundTripper) *openstack.Cloud {
	t.Helper()
	env := fake.Env()
	client, err := openstack.New(openstack.Options{Getenv: func(name string) string { return env[name] }, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// dying is another process's keeper of the same cloud, which dies after so many requests.
func (c *classroom) dying(t *testing.T, requests int) *keeper.Keeper {
	t.Helper()
	m := &mortal{}
	m.left.Store(int64(requests))
	return made(t, c.config, keeper.One(clientOf(t, c.Cloud, m)), c.Now)
}

func made(tb testing.TB, c *config.Config, clouds keeper.Clouds, now func() time.Time) *keeper.Keeper {
	tb.Helper()
	k, err := keeper.New(c, clouds, now)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// openWith is a classroom whose web lab is changed.
func openWith(t *testing.T, change func(*config.Lab), options ...openstacktest.Option) *classroom {
	t.Helper()
	c := open(t, options...)
	c.reconfigure(t, change)
	return c
}

// reconfigure starts the keeper anew with another web lab.
func (c *classroom) reconfigure(t *testing.T, change func(*config.Lab)) {
	t.Helper()
	c.config = configuration()
	web := c.config.Labs["web"]
	change(&web)
	c.config.Labs["web"] = web
	c.Keeper = made(t, c.config, keeper.One(c.client), c.Now)
}

// labs are the live stacks that are labs, by name.
func (c *classroom) labs() map[string]openstacktest.Stack {
	found := map[string]openstacktest.Stack{}
	for _, s := range c.Stacks() {
		if lab.Tagged(s.Tags, lab.TagKind) == "" && !strings.HasPrefix(s.State, "DELETE_IN") {
			found[s.Name] = s
		}
	}
	return found
}

// only checks which labs there are.
func (c *classroom) only(t *testing.T, names ...string) {
	t.Helper()
	found := c.labs()
	for _, name := range names {
		if _, there := found[name]; !there {
			t.Errorf("there is no %s", name)
		}
		delete(found, name)
	}
	for name, s := range found {
		t.Errorf("there is %s, %s", name, s.State)
	}
}

// region is one more cloud, on the clock of the first.
func site(t *testing.T, name string, fake *openstacktest.Cloud) keeper.Site {
	t.Helper()
	return keeper.Site{Name: name, Cloud: clientOf(t, fake, nil)}
}
