package lab

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// NoteKind is what a stack notes that is no lab. Such a stack holds nothing but its tags.
type NoteKind string

// The notes that there are.
const (
	NoteLease NoteKind = "lease" // an extension of a lab that sleeps, whose own tags Heat does not change
	NoteSpent NoteKind = "spent" // the time that removed labs were up
	NoteGrade NoteKind = "grade" // a score that the LMS has yet to take
)

// NoteTemplate is the template of a stack that holds nothing: what it notes is in its tags.
const NoteTemplate = `heat_template_version: 2018-08-31
description: Notes something about a lab; the note is in the tags.
resources:
  note: {type: OS::Heat::Value, properties: {value: note}}
`

// Note is a stack to make that notes something: its name, by which it is one however often it is made, and its tags.
type Note struct {
	Name string
	Tags []string
}

// Note is one about the owner's labs. rest goes into the name behind the owner's own part, and tells apart what is not the
// same.
func (o Owner) Note(kind NoteKind, rest string, tags ...string) Note {
	name := string(kind) + "-" + strings.TrimPrefix(o.Stack, "lab-")
	if rest != "" {
		name += "-" + rest
	}
	return Note{Name: name, Tags: slices.Concat(o.Tags(), []string{TagKind + string(kind)}, tags)}
}

// LeaseNote notes the lease of the owner's stack of that id while it sleeps. The name has the stack in it, so that what was
// noted about a lab that is gone is never taken for this one's.
func (o Owner) LeaseNote(id string, l Lease) Note {
	const enough = 8 // of the id
	rest := id[:min(enough, len(id))] + "-" + strconv.Itoa(l.Extended)
	if !l.Given.IsZero() {
		rest += "-" + strconv.FormatInt(l.Given.Unix(), 10)
	}
	return o.Note(NoteLease, rest, l.Retag([]string{TagOf + id})...)
}

// SpentNote notes for how long the owner's removed labs were up, until the budget begins anew.
func (o Owner) SpentNote(used time.Duration, period time.Time) Note {
	return o.Note(NoteSpent, "", append(SpentTags(used, period), untilTag+strconv.FormatInt(period.Unix(), 10))...)
}
