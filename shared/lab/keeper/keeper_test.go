package keeper_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/openstack"
)

// cloud answers as it is told. Calls that a test does not expect panic.
type cloud struct {
	keeper.Cloud
	calls  []string
	find   func() (openstack.Stack, error)
	create error
	ensure error
	act    error
}

var ref = openstack.StackRef{Name: "lab-1", ID: "id-1"}

func (c *cloud) StacksWhere(_ context.Context, f openstack.StackFilter) iter.Seq2[openstack.Stack, error] {
	c.calls = append(c.calls, "find")
	return only(f, c.find)
}

// only is a list of the one stack that find gives, which is the owner's that is asked for.
func only(f openstack.StackFilter, find func() (openstack.Stack, error)) iter.Seq2[openstack.Stack, error] {
	return func(yield func(openstack.Stack, error) bool) {
		s, err := find()
		if openstack.CodeOf(err) == openstack.Gone {
			return
		}
		s.Tags = append(s.Tags, f.AnyTags...)
		yield(s, err)
	}
}

func (c *cloud) CreateStack(context.Context, openstack.NewStack) (openstack.StackRef, error) {
	c.calls = append(c.calls, "create")
	return ref, c.create
}

func (c *cloud) EnsureStack(context.Context, openstack.NewStack) (openstack.StackRef, bool, error) {
	c.calls = append(c.calls, "ensure")
	return ref, false, c.ensure
}

func (c *cloud) Act(context.Context, openstack.StackRef, openstack.Action) error {
	c.calls = append(c.calls, "act")
	return c.act
}

func (c *cloud) Stack(context.Context, openstack.StackRef) (openstack.Stack, error) {
	c.calls = append(c.calls, "read")
	return c.find()
}

func (c *cloud) DeleteStack(context.Context, openstack.StackRef) error {
	c.calls = append(c.calls, "delete")
	return nil
}

func failed(code openstack.Code, status int) error {
	return &openstack.Error{Code: code, Op: "try", Status: status}
}

func gone() (openstack.Stack, error) { return openstack.Stack{}, failed(openstack.Gone, 404) }

func newKeeper(t *testing.T, c keeper.Cloud, now function.Clock) *keeper.Keeper {
	t.Helper()
	k, err := keeper.New(&config.Config{
		PublicURL: "https://hooks.example.org",
		NamingKey: "hunter2, a naming key for tests, long enough",
		SealKeys:  []config.SealKey{{ID: "1", Secret: "hunter2, a sealing key for tests, long enough"}},
		LTI: config.LTI{
			Consumers: []config.Consumer{
				{FrameAncestors: []string{"https://b.example.org", "https://a.example.org"}}, {FrameAncestors: []string{"https://a.example.org"}},
			}, Platforms: []config.Platform{{FrameAncestors: []string{"https://d.example.org"}}},
			Registration: []config.Registration{{FrameAncestors: []string{"https://c.example.org", "https://a.example.org"}}},
		},
		Labs: map[string]config.Lab{"web": {Title: "Web", Template: "labs/web.yaml", Lifetime: 8 * time.Hour}},
	}, keeper.One(c), now)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// What a start does when the create does not simply work.
func TestStart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		create error
		ensure error
		calls  string
		state  lab.State
		reason lab.Reason
	}{
		{"plain", nil, nil, "find create", lab.Building, ""},
		{"somebody was faster", failed(openstack.Conflict, 409), nil, "find create ensure", lab.Building, ""},
		{"answer lost", failed(openstack.Unavailable, 0), nil, "find create ensure", lab.Building, ""},
		{"lost for good", failed(openstack.Unavailable, 0), failed(openstack.Unavailable, 503), "find create ensure", lab.Starting, lab.CloudTrouble},
		{"name held back", failed(openstack.Conflict, 409), failed(openstack.Busy, 409), "find create ensure", lab.Starting, lab.Clearing},
		{"too many requests", failed(openstack.Unavailable, 429), nil, "find create", lab.Starting, lab.CloudTrouble},
		{"no room", failed(openstack.Quota, 403), nil, "find create", lab.Starting, lab.CloudFull},
		{"not allowed", failed(openstack.Forbidden, 403), nil, "find create", lab.Broken, lab.LabRefused},
		{"bad template", failed(openstack.Refused, 400), nil, "find create", lab.Broken, lab.LabRefused},
		{"nonsense", failed(openstack.Broken, 200), nil, "find create", lab.Starting, lab.CloudTrouble},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fake := &cloud{find: gone, create: c.create, ensure: c.ensure}
			k := newKeeper(t, fake, time.Now)
			ticket, status := k.Start(t.Context(), k.Ticket(lab.Identity{Tenant: "a", Lab: "web", Learner: "u"}))
			if got := strings.Join(fake.calls, " "); got != c.calls {
				t.Errorf("calls %s, want %s", got, c.calls)
			}
			if status.State != c.state || status.Reason != c.reason || (ticket.ID != "") != (c.state == lab.Building) {
				t.Errorf("ticket %+v, status %+v", ticket, status)
			}
		})
	}
}

// Two processes created at the same moment and Heat kept both: the first look of either page finds the one that counts.
func TestDoubleCreateSettles(t *testing.T) {
	t.Parallel()
	fake := &cloud{find: gone}
	k := newKeeper(t, fake, time.Now)
	ticket, _ := k.Start(t.Context(), k.Ticket(lab.Identity{Tenant: "a", Lab: "web", Learner: "u"}))
	if ticket.ID != "id-1" || !ticket.Settle {
		t.Fatalf("ticket %+v", ticket)
	}
	earlier := openstack.StackRef{Name: ref.Name, ID: "id-0"}
	fake.find = func() (openstack.Stack, error) {
		return openstack.Stack{StackRef: earlier, Action: "CREATE", Status: "IN_PROGRESS"}, nil
	}
	for _, look := range []lab.Look{lab.LookName, lab.LookEvents, lab.LookStack} {
		settled, status, err := k.Look(t.Context(), ticket, look)
		if err != nil || settled.ID != "id-0" || settled.Settle || status.State != lab.Building || status.Poll.Look != lab.LookEvents {
			t.Errorf("%s: ticket %+v, status %+v, %v", look, settled, status, err)
		}
	}
	fake.find = gone
	if _, status, err := k.Look(t.Context(), ticket, lab.LookName); err != nil || status.State != lab.Gone {
		t.Errorf("removed since: %+v, %v", status, err)
	}
}

// A resume that is refused is tried again by the page, and only once the lab sleeps.
func TestResumeRefused(t *testing.T) {
	t.Parallel()
	fake := &cloud{act: failed(openstack.Busy, 409), find: func() (openstack.Stack, error) {
		return openstack.Stack{StackRef: ref, Action: "SUSPEND", Status: "COMPLETE"}, nil
	}}
	k := newKeeper(t, fake, time.Now)
	ticket, status := k.Start(t.Context(), k.Ticket(lab.Identity{Tenant: "a", Lab: "web", Learner: "u"}))
	if !ticket.Wake || !status.Poll.Start || status.State != lab.Resuming || strings.Join(fake.calls, " ") != "find act" {
		t.Errorf("ticket %+v, status %+v, calls %v", ticket, status, fake.calls)
	}
}

func TestTicketsExpireWithTheLab(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	k := newKeeper(t, nil, func() time.Time { return now })
	ticket := k.Ticket(lab.Identity{Tenant: "a", Lab: "web", Learner: "u"})
	ticket.ID, ticket.Wake, ticket.Ancestors, ticket.Locale = "id", true, []string{"https://lms.example.org"}, "en"
	sealed, err := k.Seal(ticket)
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(8*time.Hour - time.Second)
	if got, err := k.Open(sealed); err != nil || !got.Same(ticket) {
		t.Errorf("%+v, %v", got, err)
	}
	now = now.Add(time.Second)
	_, err = k.Open(sealed)
	if e, ok := errors.AsType[*function.Error](err); !ok || e.Code != "ticket_expired" {
		t.Errorf("%v", err)
	}
}

func TestTicketsTellNobody(t *testing.T) {
	t.Parallel()
	k := newKeeper(t, nil, time.Now)
	sealed, err := k.Seal(k.Ticket(lab.Identity{Tenant: "academy", Context: "course", Lab: "web", Learner: "ada"}))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(sealed, "ada") || strings.ContainsAny(sealed, "+/=&? ") {
		t.Errorf("ticket %q", sealed)
	}
}

func TestAncestorsAreThoseOfAllWhoMayLaunch(t *testing.T) {
	t.Parallel()
	want := []string{"https://a.example.org", "https://b.example.org", "https://c.example.org", "https://d.example.org"}
	if got := newKeeper(t, nil, time.Now).Ancestors(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestOffers(t *testing.T) {
	t.Parallel()
	offers := catalogueOf(t, nil, time.Now).Offers([]string{"timed", "withdrawn", "web"})
	if len(offers) != 2 || offers[1] != (lab.Offer{Key: "web", Title: "Web"}) {
		t.Fatalf("%+v", offers)
	}
	picture := offers[0].Picture
	if offers[0].Picture = ""; offers[0] != (lab.Offer{Key: "timed", Title: "Timed", Description: "With a clock.", Expected: 90 * time.Second, Cost: "0.04 EUR an hour"}) {
		t.Errorf("%+v", offers[0])
	}
	if !strings.HasPrefix(picture, "data:image/svg+xml;base64,") {
		t.Errorf("picture %.40s", picture)
	}
}

func TestCatalogueRefusesAPictureThatIsNone(t *testing.T) {
	t.Parallel()
	for _, picture := range []string{"missing.svg", "labs/web.yaml", "../secret.png", "/etc/passwd"} {
		_, err := keeper.New(&config.Config{
			SealKeys: []config.SealKey{{ID: "1", Secret: "hunter2, a sealing key for tests, long enough"}},
			Labs:     map[string]config.Lab{"web": {Title: "Web", Template: "labs/web.yaml", Picture: picture}},
		}, nil, time.Now)
		if err == nil || !strings.Contains(err.Error(), "picture of lab web") {
			t.Errorf("%s: %v", picture, err)
		}
	}
}

// The built-in template in steps: what has a condition counts only once it is there.
func TestPlanOfTheWebLab(t *testing.T) {
	t.Parallel()
	k := newKeeper(t, nil, time.Now)
	plan := k.Entry(k.Ticket(lab.Identity{Lab: "web"})).Plan
	steps, optional := map[lab.StepKey]bool{}, 0
	for _, part := range plan {
		steps[part.Step] = true
		if part.Optional {
			optional++
		}
	}
	if len(plan) < 8 || optional < 4 || optional == len(plan) || !steps[lab.StepNetwork] || !steps[lab.StepKeys] || !steps[lab.StepMachine] || !steps[lab.StepAddress] {
		t.Errorf("plan %+v", plan)
	}
}
