package keeper

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// mostRows bounds what a class view holds in memory and shows. Heat's own bound is 512 stacks a project by default.
const mostRows = 500

// Class are the labs of the course, oldest first: one call for each 200. Of two stacks of one name it shows the one that
// everybody goes by. Truncated says that there are more than are shown.
func (k *Keeper) Class(ctx context.Context, t ClassTicket) (members []lab.Member, truncated bool, err error) {
	var stacks []openstack.Stack
	place := map[string]int{}
	for s, err := range k.cloud.Stacks(ctx, t.tags()...) {
		if err != nil {
			return nil, false, Failure(err)
		}
		if !t.has(s.Tags) {
			continue
		}
		s.Reason, s.Parameters = "", nil // a class of 500 with Heat's long sentences is a megabyte
		i, twice := place[s.Name]
		switch {
		case twice && counts(s, stacks[i]):
			stacks[i] = s
		case twice:
		case len(stacks) == mostRows:
			truncated = true
		default:
			place[s.Name] = len(stacks)
			stacks = append(stacks, s)
		}
		if truncated {
			break
		}
	}
	members = make([]lab.Member, len(stacks))
	for i, s := range stacks {
		members[i] = k.member(t, s)
	}
	logging.Note(ctx, "labs", strconv.Itoa(len(members)))
	return members, truncated, nil
}

// counts says whether of two stacks of one name s is the one that everybody goes by (openstack.Cloud.FindStack): the first
// that is not being deleted.
func counts(s, other openstack.Stack) bool {
	switch deleting, others := s.Action == "DELETE", other.Action == "DELETE"; {
	case deleting != others:
		return others
	case !s.Created.Equal(other.Created):
		return s.Created.Before(other.Created)
	}
	return s.ID < other.ID
}

func (k *Keeper) member(t ClassTicket, s openstack.Stack) lab.Member {
	entry := k.entryOf(tagged(s.Tags, "lab="))
	stack := stackOf(s)
	title := entry.Title
	if title == "" { // withdrawn from the catalogue
		title = tagged(s.Tags, "lab=")
	}
	return lab.Member{
		Title: title, Status: lab.Overview(stack, entry, k.now()), Created: s.Created,
		Code: lab.Owner{Learner: tagged(s.Tags, "learner=")}.Code(), Mine: t.Own != "" && s.Name == t.Own, Ref: refOf(s.StackRef),
	}
}

// tagged is the rest of the first tag that begins with prefix.
func tagged(tags []string, prefix string) string {
	i := slices.IndexFunc(tags, func(tag string) bool { return strings.HasPrefix(tag, prefix) })
	if i < 0 {
		return ""
	}
	return strings.TrimPrefix(tags[i], prefix)
}

// refOf names a stack to a class page. It gives no right: whatever comes back is looked up and must be of the class.
func refOf(ref openstack.StackRef) string { return ref.Name + ":" + ref.ID }

func parseRef(text string) (openstack.StackRef, bool) {
	name, id, ok := strings.Cut(text, ":")
	return openstack.StackRef{Name: name, ID: id}, ok && refPattern.MatchString(text)
}
