package keeper_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/lab/keeper"
)

// W16: the learner's key is made here and handed to nobody else: the stack gets the public half, and the private half is the
// same whenever it is asked for, without a call.
func TestW16KeyIsMade(t *testing.T) {
	t.Parallel()
	c := open(t)
	i := learner("u1")
	i.Lab = "signals"
	ticket := c.ready(t, i)
	_, status, err := c.Look(t.Context(), ticket, lab.LookStack)
	if err != nil || len(status.Access) != 2 || !status.Access[1].HasKey {
		t.Fatalf("%+v, %v", status.Access, err)
	}
	c.ResetCalls()
	private, err := c.PrivateKey(t.Context(), ticket, 1)
	if err != nil {
		t.Fatal(err)
	}
	wantCalls(t, c.calls())
	signer, err := ssh.ParsePrivateKey([]byte(private))
	if err != nil {
		t.Fatal(err)
	}
	public := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
	s, _ := c.Stack(ticket.Stack)
	if got := s.Parameters["public_key"]; !strings.HasPrefix(got, public) {
		t.Errorf("the stack has %q", got)
	}
	other := c.Ticket(lab.Identity{Tenant: "academy", Context: "course", Lab: "signals", Learner: "u2"})
	if theirs, err := c.PrivateKey(t.Context(), other, 1); err != nil || theirs == private {
		t.Errorf("another learner's key: %v", err)
	}
	if again := clientKey(t, c, ticket); again != public {
		t.Errorf("asked again: %q, first %q", again, public)
	}
	for name := range s.Parameters {
		if strings.Contains(s.Parameters[name], "PRIVATE") {
			t.Errorf("the parameter %s has a private key", name)
		}
	}
}

// clientKey is the public half of the key that another process hands out.
func clientKey(t *testing.T, c *classroom, ticket keeper.Ticket) string {
	t.Helper()
	private, err := made(t, c.config, keeper.One(c.client), c.Now).PrivateKey(t.Context(), ticket, 1)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey([]byte(private))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
}

// A new lab is told where to report and where its grade goes, if its template asks; the report address opens to its name.
func TestNewStackTellsWhatTheTemplateAsks(t *testing.T) {
	t.Parallel()
	c := open(t)
	s := c.NewStack("warm-signals-01234567", "signals", []string{lab.Tag}, "sealed destination")
	ticket, ok := strings.CutPrefix(s.Parameters["report_url"].(string), "https://hooks.example.org/grade-lab/")
	box, err := c.config.Box()
	if err != nil {
		t.Fatal(err)
	}
	if name, err := grades.OpenReport(box, ticket, c.Now()); !ok || err != nil || name != s.Name {
		t.Errorf("report_url %v opens to %q, %v", s.Parameters["report_url"], name, err)
	}
	if s.Parameters["grading"] != "sealed destination" || s.Parameters["public_key"] == "" || s.Timeout != 15*time.Minute {
		t.Errorf("%v", slices.Sorted(maps.Keys(s.Parameters)))
	}
	plain := c.NewStack("warm-volumes-01234567", "volumes", []string{lab.Tag}, "sealed destination")
	if len(plain.Parameters) != 0 {
		t.Errorf("a template that asks nothing is told %v", plain.Parameters)
	}
	if !slices.Contains(plain.Tags, lab.Tag) || plain.Template == "" {
		t.Errorf("%+v", plain.Tags)
	}
}

// The revision changes with all that makes a lab another, and with nothing else.
func TestRevision(t *testing.T) {
	t.Parallel()
	c := open(t)
	of := func(key string) string {
		shelf, known := c.Shelf(key)
		if !known || len(shelf.Entry.Revision) != 8 {
			t.Errorf("%s: %q", key, shelf.Entry.Revision)
		}
		return shelf.Entry.Revision
	}
	web := of("web")
	if web != of("timed") || web == of("volumes") {
		t.Errorf("web %s, timed %s, volumes %s", web, of("timed"), of("volumes"))
	}
	c.reconfigure(t, func(l *config.Lab) { l.Parameters = map[string]string{"greeting": "Hello"} })
	if of("web") == web {
		t.Error("another parameter, the same revision")
	}
	if _, known := c.Shelf("withdrawn"); known {
		t.Error("a lab that is not there")
	}
}

// A lab whose learner's key is to be made needs a parameter for it.
func TestCatalogueRefusesAMadeKeyWithoutAParameter(t *testing.T) {
	t.Parallel()
	c := configuration()
	volumes := c.Labs["volumes"]
	volumes.Access = []config.Access{{Kind: "ssh", Host: "host", Key: "made", User: "learner"}}
	c.Labs["volumes"] = volumes
	if _, err := keeper.New(c, nil, time.Now); err == nil || !strings.Contains(err.Error(), "public_key") {
		t.Errorf("%v", err)
	}
}

// A lab that was made before it was known where its grade goes is told at its first launch, and the first one counts.
func TestFirstLaunchSaysWhereTheGradeGoes(t *testing.T) {
	t.Parallel()
	c := open(t)
	i := learner("u1")
	i.Lab = "signals"
	ticket := c.ready(t, i) // without a destination
	for at, destination := range []string{"", "the first", "another"} {
		again := c.Ticket(i)
		again.Grading = destination
		again, status := c.Start(t.Context(), again)
		c.follow(t, again, status)
		c.Advance(time.Minute)
		want := []string{"", "the first", "the first"}[at]
		if s, _ := c.Stack(ticket.Stack); s.Parameters["grading"] != want || s.Parameters["public_key"] == "" {
			t.Errorf("after %q: %q", destination, s.Parameters["grading"])
		}
	}
}
