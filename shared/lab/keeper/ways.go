package keeper

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/openstack"
)

// PrivateKey is the private key of a way into the lab, read from the stack for this one answer, or made again if it was made
// here.
func (k *Keeper) PrivateKey(ctx context.Context, t Ticket, way int) (string, error) {
	entry := k.entries[t.Lab].entry
	if way >= 0 && way < len(entry.Ways) && isMade(entry.Ways[way]) {
		return k.privateKey(t.ref().Name)
	}
	stack, err := k.cloud(t).Stack(ctx, t.ref())
	if err != nil {
		return "", Failure(err)
	}
	key, ok := entry.PrivateKey(way, stack.Outputs)
	if !ok {
		return "", noSuchWay()
	}
	return key, nil
}

// Password is the password of a way into the lab, read from the stack for this one answer.
func (k *Keeper) Password(ctx context.Context, t Ticket, way int) (string, error) {
	if ways := k.entries[t.Lab].entry.Ways; way < 0 || way >= len(ways) || ways[way].Password == "" {
		return "", noSuchWay()
	}
	stack, err := k.cloud(t).Stack(ctx, t.ref())
	if err != nil {
		return "", Failure(err)
	}
	password, ok := k.entries[t.Lab].entry.PasswordOf(way, stack.Outputs)
	if !ok {
		return "", noSuchWay()
	}
	return password, nil
}

// Console is the address of a server's console: two calls, since Nova knows servers by id only.
func (k *Keeper) Console(ctx context.Context, t Ticket, way int) (string, error) {
	ways := k.entries[t.Lab].entry.Ways
	if way < 0 || way >= len(ways) || ways[way].Kind != lab.Console {
		return "", noSuchWay()
	}
	resources, err := k.cloud(t).Resources(ctx, t.ref(), 0)
	if err != nil {
		return "", Failure(err)
	}
	for _, r := range resources {
		if r.Name != ways[way].Server || r.PhysicalID == "" {
			continue
		}
		address, err := k.cloud(t).Console(ctx, r.PhysicalID)
		if err != nil {
			return "", Failure(err)
		}
		if !lab.IsWebAddress(address) {
			return "", Failure(&openstack.Error{Code: openstack.Broken, Op: "open console: Nova gave no web address"})
		}
		return address, nil
	}
	return "", noSuchWay()
}

func noSuchWay() error {
	return &function.Error{Code: "no_such_way", Status: http.StatusNotFound, Public: "This lab does not have that way in. Go back to the lab and use one of those it shows."}
}

// Failure turns a failed call into an answer for the learner's page, in words that help a learner.
func Failure(err error) error {
	switch code := openstack.CodeOf(err); code {
	case openstack.Unavailable, openstack.Busy:
		return &function.Error{
			Code: "cloud_" + string(code), Status: http.StatusServiceUnavailable, RetryAfter: 5 * time.Second, Err: err,
			Public: "The cloud does not answer at the moment. Your lab is not affected; wait a few seconds and try again.",
		}
	case openstack.Gone:
		return &function.Error{
			Code: "cloud_gone", Status: http.StatusGone, Err: err,
			Public: "That part of your lab is not there any more. Open the lab again from your course page.",
		}
	case openstack.Conflict, openstack.Forbidden, openstack.Quota, openstack.Refused, openstack.Broken:
		return &function.Error{
			Code: "cloud_" + string(code), Status: http.StatusBadGateway, Err: err,
			Public: "The cloud refuses what your lab needs. Tell your course staff, and give them the reference.",
		}
	default:
		return fmt.Errorf("ask the cloud: %w", err)
	}
}
