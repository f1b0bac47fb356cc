package gradelab

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/seal"
)

// place is a lab's stack and where it is.
type place struct {
	ref   openstack.StackRef
	cloud int
}

// found remembers where labs are that were up, so that a heartbeat costs one call.
type found struct {
	mu   sync.Mutex
	labs map[string]place // by the stack's name
}

const mostFound = 20_000

func (f *found) get(name string) (place, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, ok := f.labs[name]
	return p, ok
}

func (f *found) put(name string, p place) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.labs) >= mostFound {
		clear(f.labs)
	}
	f.labs[name] = p
}

func (f *found) drop(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.labs, name)
}

// open is the name of the stack that the ticket was made for.
func (f *grader) open(ticket string) (string, error) {
	name, err := grades.OpenReport(f.box, ticket, f.now())
	switch {
	case errors.Is(err, seal.ErrExpired):
		return "", &function.Error{
			Code: "report_expired", Status: http.StatusGone, Err: err,
			Public: "The address that this lab reports to is too old. Open a new lab from the course page.",
		}
	case err != nil:
		return "", &function.Error{
			Code: "report_unknown", Status: http.StatusNotFound, Err: err,
			Public: "No lab reports to this address. Use the address of the lab's own parameter report_url, whole and unchanged.",
		}
	}
	return name, nil
}

// find looks for the stack in the clouds, in their order. A cloud that does not answer may be the one that has it.
func (f *grader) find(ctx context.Context, name string) (place, error) {
	if p, ok := f.found.get(name); ok {
		return p, nil
	}
	var trouble error
	for i, cloud := range f.clouds {
		s, err := cloud.FindStack(ctx, name)
		switch {
		case err == nil && s.Action == "DELETE":
		case err == nil:
			p := place{ref: s.StackRef, cloud: i}
			if grades.Writable(s) {
				f.found.put(name, p)
			}
			return p, unready(s)
		case openstack.CodeOf(err) != openstack.Gone && trouble == nil:
			trouble = err
		}
	}
	if trouble != nil {
		return place{}, cloudFailure(trouble)
	}
	return place{}, gone(nil)
}

// unready holds signals back that would count as the lab's own word that it is built.
func unready(s openstack.Stack) error {
	if s.State() == "CREATE_IN_PROGRESS" || s.State() == "RESUME_IN_PROGRESS" {
		return refusal(grades.ErrBuilding)
	}
	return nil
}

// read reads the lab whole. Where it was remembered and is not any more, it is looked for once again.
func (f *grader) read(ctx context.Context, name string) (place, openstack.Stack, error) {
	for try := 1; ; try++ {
		p, err := f.find(ctx, name)
		if err != nil {
			return p, openstack.Stack{}, err
		}
		s, err := f.clouds[p.cloud].Stack(ctx, p.ref)
		switch {
		case err == nil:
			return p, s, nil
		case openstack.CodeOf(err) != openstack.Gone:
			return p, s, cloudFailure(err)
		case try == 2:
			return p, s, gone(err)
		}
		f.found.drop(name)
	}
}

func gone(err error) error {
	return &function.Error{
		Code: "lab_gone", Status: http.StatusGone, Err: err,
		Public: "The lab of this address is no more; its results count as they were. Open a new lab from the course page.",
	}
}

// cloudFailure is an answer for a failed call to OpenStack.
func cloudFailure(err error) error {
	code := openstack.CodeOf(err)
	status, after := code.HTTP()
	if status < http.StatusInternalServerError {
		status = http.StatusServiceUnavailable
	}
	return &function.Error{
		Code: "cloud_" + string(code), Status: status, RetryAfter: max(after, 5*time.Second), Err: err,
		Public: "The cloud did not take it. Send the same again in a moment, with the same Idempotency-Key.",
	}
}

// refusal is the answer for a lab that does not take what it reports, and for a cloud that fails.
func refusal(err error) error {
	switch {
	case errors.Is(err, grades.ErrBuilding):
		return &function.Error{
			Code: "lab_building", Status: http.StatusServiceUnavailable, RetryAfter: 30 * time.Second, Err: err,
			Public: "The lab is still being built, or waking up. Send the same again in half a minute.",
		}
	case errors.Is(err, grades.ErrAsleep):
		return &function.Error{
			Code: "lab_asleep", Status: http.StatusConflict, Err: err,
			Public: "The lab sleeps or ends, and takes no heartbeat. Open it from the course page to wake it.",
		}
	case errors.Is(err, grades.ErrFull):
		return &function.Error{
			Code: "results_full", Status: http.StatusTooManyRequests, RetryAfter: time.Hour, Err: err,
			Public: "This lab has reported 200 results, and no more are kept. Report a check when its outcome changes only.",
		}
	case errors.Is(err, grades.ErrMute):
		return &function.Error{
			Code: "lab_mute", Status: http.StatusUnprocessableEntity, Err: err,
			Public: "The lab's template has no output signals, so nothing can be written down for it. Add the handle and the output of heat-templates/labs/README.md.",
		}
	}
	return cloudFailure(err)
}
