package keeper_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// classroom is a keeper on a fake cloud whose clock is the keeper's.
type classroom struct {
	*openstacktest.Cloud
	*keeper.Keeper
	client *openstack.Cloud
	config *config.Config
}

func open(t *testing.T, options ...openstacktest.Option) *classroom {
	t.Helper()
	fake := openstacktest.Start(t, append(options, openstacktest.TokenLife(1000*time.Hour))...)
	client := clientOf(t, fake, nil)
	c := configuration()
	return &classroom{fake, made(t, c, keeper.One(client), fake.Now), client, c}
}

func catalogueOf(tb testing.TB, cloud keeper.Cloud, now function.Clock) *keeper.Keeper {
	tb.Helper()
	return made(tb, configuration(), keeper.One(cloud), now)
}

func configuration() *config.Config {
	web := config.Lab{
		Title: "Web", Template: "labs/web.yaml", BuildTimeout: 15 * time.Minute, Lifetime: 8 * time.Hour, MaxAge: 48 * time.Hour, Grace: time.Hour,
		Extend: config.Extend{By: 2 * time.Hour, Times: 2}, Access: []config.Access{{Kind: "url", Output: "lab_url"}},
	}
	volumes, timed, signals := web, web, web
	signals.Title, signals.Template = "Signals", "signals.yaml"
	signals.Access = []config.Access{{Kind: "url", Output: "lab_url"}, {Kind: "ssh", Host: "host", Key: "made", User: "learner"}}
	volumes.Title, volumes.Template = "Volumes", "volumes.yaml"
	timed.Title, timed.ExpectedTime, timed.Description, timed.Cost, timed.Picture = "Timed", 90*time.Second, "With a clock.", "0.04 EUR an hour", "labs/web.svg"
	return &config.Config{
		PublicURL: "https://hooks.example.org",
		NamingKey: "hunter2, a naming key for tests, long enough",
		SealKeys:  []config.SealKey{{ID: "1", Secret: "hunter2, a sealing key for tests, long enough"}},
		Labs:      map[string]config.Lab{"web": web, "volumes": volumes, "timed": timed, "signals": signals}, TemplatesDir: "testdata",
	}
}

func learner(name string) lab.Identity {
	return lab.Identity{Tenant: "academy", Context: "course", Lab: "web", Learner: name}
}

// page is a ticket as a page would hold it: sealed and opened again.
func (c *classroom) page(t *testing.T, ticket keeper.Ticket) keeper.Ticket {
	t.Helper()
	sealed, err := c.Seal(ticket)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := c.Open(sealed)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

// launch starts a learner's lab and gives the page's ticket.
func (c *classroom) launch(t *testing.T, i lab.Identity) (keeper.Ticket, lab.Status) {
	t.Helper()
	ticket, status := c.Start(t.Context(), c.Ticket(i))
	return c.page(t, ticket), status
}

// ready launches a lab and follows it until it is up.
func (c *classroom) ready(t *testing.T, i lab.Identity) keeper.Ticket {
	t.Helper()
	ticket, status := c.launch(t, i)
	ticket, status = c.follow(t, ticket, status)
	if status.State != lab.Ready {
		t.Fatalf("%+v", status)
	}
	c.ResetCalls()
	return ticket
}

// follow does what a page does until nothing more is to come soon.
func (c *classroom) follow(t *testing.T, ticket keeper.Ticket, status lab.Status) (keeper.Ticket, lab.Status) {
	t.Helper()
	for range 400 {
		poll := status.Poll
		if poll == (lab.Poll{}) || poll.After >= time.Minute {
			return ticket, status
		}
		c.Advance(poll.After)
		if poll.Start {
			ticket, status = c.Start(t.Context(), ticket)
		} else {
			var err error
			if ticket, status, err = c.Look(t.Context(), ticket, poll.Look); err != nil {
				t.Fatal(err)
			}
		}
		ticket = c.page(t, ticket)
	}
	t.Fatalf("the page never came to an end: %+v", status)
	return ticket, status
}

// calls are the requests but for logging in, since the last ResetCalls.
func (c *classroom) calls() []string {
	return slices.DeleteFunc(c.CallNames(), func(name string) bool { return strings.HasPrefix(name, "identity ") })
}

// writes are the calls that change something.
func (c *classroom) writes() []string {
	return slices.DeleteFunc(c.calls(), func(name string) bool { return strings.Contains(name, " GET ") })
}

func (c *classroom) stack(t *testing.T, ticket keeper.Ticket) openstack.Stack {
	t.Helper()
	s, err := c.client.Stack(t.Context(), refTo(ticket))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// refTo is the ticket's stack.
func refTo(ticket keeper.Ticket) openstack.StackRef {
	name := ticket.Name
	if name == "" {
		name = ticket.Stack
	}
	return openstack.StackRef{Name: name, ID: ticket.ID}
}

// at once runs fn several times in parallel.
func atOnce(n int, fn func()) {
	var all sync.WaitGroup
	for range n {
		all.Go(fn)
	}
	all.Wait()
}

func wantCode(t *testing.T, err error, status int, code string) {
	t.Helper()
	if e, ok := errors.AsType[*function.Error](err); !ok || e.Code != code || e.Status != status || e.Public == "" {
		t.Errorf("got %v, want %d %s", err, status, code)
	}
}

func wantCalls(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("calls\n got %q\nwant %q", got, want)
	}
}

const (
	list     = "heat GET /stacks"
	create   = "heat POST /stacks"
	read     = "heat GET /stacks/{}/{}"
	metadata = "heat GET /stacks/{}/{}/resources/{}/metadata"
	patch    = "heat PATCH /stacks/{}/{}"
	remove   = "heat DELETE /stacks/{}/{}"
	action   = "heat POST /stacks/{}/{}/actions"
)
