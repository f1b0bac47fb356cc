package lab_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/lab"
)

var namingKey = []byte("a naming key for tests, long enough")

const wantDigest = "1b5271018559208b71" // computed apart from the code, with python

func TestNameIsStableAndWellFormed(t *testing.T) {
	t.Parallel()
	identity := lab.Identity{Tenant: "academy", Context: "course-v1:A+B+C", Lab: "web", Learner: "u1"}
	owner := identity.Hide(namingKey)
	if !regexp.MustCompile(`^lab-[0-9a-f]{18}$`).MatchString(owner.Stack) {
		t.Errorf("stack name %q", owner.Stack)
	}
	if again := identity.Hide(namingKey); again != owner {
		t.Errorf("hidden twice: %+v and %+v", owner, again)
	}
	// Stacks in the cloud were named so: this must never change.
	if owner.Stack != "lab-"+wantDigest {
		t.Errorf("stack name %s, want lab-%s: all labs that exist would be lost", owner.Stack, wantDigest)
	}
}

func TestNamesDiffer(t *testing.T) {
	t.Parallel()
	seen := map[string]lab.Identity{}
	for _, i := range []lab.Identity{
		{"academy", "course", "web", "u1"},
		{"academy", "course", "web", "u2"},
		{"academy", "course", "db", "u1"},
		{"academy", "other", "web", "u1"},
		{"school", "course", "web", "u1"},
		{"academy", "coursew", "eb", "u1"},
		{"academycourse", "", "web", "u1"},
		{"academy", "", "courseweb", "u1"},
		{"", "academy", "course", "webu1"},
	} {
		name := i.Hide(namingKey).Stack
		if other, taken := seen[name]; taken {
			t.Errorf("%+v and %+v have one name", i, other)
		}
		seen[name] = i
	}
	i := lab.Identity{Tenant: "academy", Context: "course", Lab: "web", Learner: "u1"}
	if i.Hide(namingKey).Stack == i.Hide([]byte("another naming key, long enough too")).Stack {
		t.Error("the name does not depend on the key")
	}
}

func TestTagsTellNobody(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 300)
	owner := lab.Identity{Tenant: "academy", Context: "course,with,commas" + long, Lab: strings.Repeat("w", 63), Learner: "ada@example.org" + long}.Hide(namingKey)
	tags := owner.Tags()
	for _, tag := range tags {
		if len(tag) > 80 || strings.ContainsAny(tag, ", ") {
			t.Errorf("tag %q", tag)
		}
		if strings.Contains(tag, "ada") || strings.Contains(tag, "academy") || strings.Contains(tag, "course") {
			t.Errorf("tag %q tells who it is", tag)
		}
	}
	for i, prefix := range []string{"stackhook", "lab=", "tenant=", "context=", "learner="} {
		if !strings.HasPrefix(tags[i], prefix) {
			t.Errorf("tag %d is %q, want %s…", i, tags[i], prefix)
		}
	}
	same := lab.Identity{Tenant: "academy", Context: "other", Lab: "web", Learner: "u1"}.Hide(namingKey)
	other := lab.Identity{Tenant: "school", Context: "other", Lab: "web", Learner: "u1"}.Hide(namingKey)
	if same.Learner == other.Learner || same.Context == other.Context {
		t.Error("the same name in two tenants gives one hash")
	}
}
