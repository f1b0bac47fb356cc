package deploysite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/site"
)

// rotateBody is what POST rotate takes.
type rotateBody struct {
	// Secrets are stores, alarms, or all.
	Secrets []string `json:"secrets" validate:"required,min=1,max=6"`
	// Since says that what was rotated after it need not be again; without it an hour ago. It makes a repeated request,
	// whose first answer was lost, the same one.
	Since *time.Time `json:"since"`
	// Storage are the object store's new keys, which its owner has made.
	Storage *newKeys `json:"storage"`
}

type newKeys struct {
	AccessKey site.Secret `json:"access_key" validate:"required,min=3,max=128,plainsecret"`
	SecretKey site.Secret `json:"secret_key" validate:"required,min=8,max=256,plainsecret"`
}

// Words of a request beside the stores' names.
const (
	rotateAlarms = "alarms"
	rotateAll    = "all"
)

// lately is how long a finished rotation answers for a repeated request.
const lately = time.Hour

// rotating is the answer to POST rotate.
type rotating struct {
	Name string `json:"name"`
	// Code is rotating, waiting or rotated.
	Code  string `json:"code"`
	State string `json:"state"`
	// Step is spread, switch or revoke.
	Step string `json:"step,omitempty"`
	// Secrets are the stores that the rotation under way is of.
	Secrets []string `json:"secrets,omitempty"`
	// Remaining are the nodes that this step still has to make anew, and the steps after it.
	Remaining []string `json:"remaining,omitempty"`
	Reason    string   `json:"reason"`
	// AskAgain is in how many seconds to send the same request again.
	AskAgain int    `json:"ask_again_seconds,omitempty"`
	URL      string `json:"url"`
}

// Status implements the edge's optional interface.
func (r rotating) Status() int {
	if r.Code == codeRotated {
		return http.StatusOK
	}
	return http.StatusAccepted
}

// Headers implements the edge's optional interface.
func (r rotating) Headers(h http.Header) {
	if r.AskAgain > 0 {
		h.Set("Location", r.URL)
		h.Set("Retry-After", strconv.Itoa(r.AskAgain))
	}
}

const (
	codeRotating = "rotating"
	codeRotated  = "rotated"
	codeWaiting  = "waiting"

	// askSoon is for what Heat does in seconds, askLater for a node that is made.
	askSoon, askLater = 15, 60
)

// rotate makes the next step of giving a site's stores new secrets; site.Rotate says which that is. The same request is sent
// until it answers rotated.
func (d *deployer) rotate(ctx context.Context, r *http.Request, v visit) (any, error) {
	var body rotateBody
	if err := function.Decode(r, &body); err != nil {
		return nil, err //nolint:wrapcheck // it is the answer
	}
	stack, err := d.read(ctx, v)
	if err != nil {
		return nil, err
	}
	wish, given, err := d.wish(v.name, stack, body)
	if err != nil {
		return nil, err
	}
	ask := d.ask(v)
	if stack.Busy() && stack.Action != "DELETE" {
		step := site.Rotating(stack.Parameters)
		if ended := site.Rotate(have(stack), nil, wish, ask); step == "" && ended.Done && len(ended.Parameters) == 0 {
			return d.turn(ctx, v, stack, ended, ask, given) // Heat is at its last write
		}
		if step != "" {
			return d.rotates(ctx, v, rotating{
				Code: codeWaiting, State: site.Updating, Step: step, AskAgain: askLater, Reason: "A step of the rotation is being made.",
			}), nil
		}
	}
	if err := atRest(stack, "rotated"); err != nil {
		return nil, err
	}
	reports, err := d.reports(ctx, v, stack)
	if err != nil {
		return nil, fmt.Errorf("read reports of site %s: %w", v.name, err)
	}
	turn := site.Rotate(have(stack), reports, wish, ask)
	if turn.Refused != "" {
		return nil, &function.Error{Code: "no_rotation", Status: http.StatusConflict, Public: turn.Refused}
	}
	return d.turn(ctx, v, stack, turn, ask, given)
}

// turn writes what the step comes to, and says so.
func (d *deployer) turn(ctx context.Context, v visit, stack openstack.Stack, turn site.Rotation, ask site.Ask, given site.Storage) (any, error) {
	out := rotating{
		Code: codeRotating, State: site.Updating, Step: turn.Step, Secrets: turn.Stores, Remaining: turn.Remaining, Reason: turn.Reason, AskAgain: askLater,
	}
	if len(turn.Parameters) > 0 {
		change := openstack.StackChange{Parameters: maps.Clone(turn.Parameters)}
		for parameter, store := range turn.Draw {
			secrets, err := site.DrawSecrets(rand.Reader, store, given)
			if err != nil {
				return nil, fmt.Errorf("make secrets of site %s: %w", v.name, err)
			}
			change.Parameters[parameter] = secrets.Reveal()
		}
		err := d.write(ctx, v, stack.StackRef, change, ask.Token)
		if lost, ok := errors.AsType[*function.Error](err); ok && lost.Code == "superseded" {
			return d.rotates(ctx, v, rotating{
				Code: codeWaiting, State: site.Updating, Step: site.Rotating(stack.Parameters), AskAgain: askSoon, Reason: "Another request of the same time goes first.",
			}), nil
		}
		if err != nil {
			return nil, err
		}
	} else if !turn.Done {
		out.Code, out.State, out.AskAgain = codeWaiting, site.StateOf(stack.Action, stack.Status), askSoon
	}
	if turn.Done {
		out.Code, out.AskAgain, out.State = codeRotated, 0, site.StateOf(stack.Action, stack.Status)
	}
	return d.rotates(ctx, v, out), nil
}

func (d *deployer) rotates(ctx context.Context, v visit, out rotating) rotating {
	out.Name, out.URL = v.name, d.address(v.name)
	logging.Note(ctx, "decision", out.Code)
	if out.Step != "" {
		logging.Note(ctx, "step", out.Step)
	}
	return out
}

// wish is what the body comes to for this site.
func (d *deployer) wish(name string, stack openstack.Stack, body rotateBody) (site.Wish, site.Storage, error) {
	wish := site.Wish{Since: d.now().Add(-lately)}
	if body.Since != nil {
		wish.Since = *body.Since
	}
	var given site.Storage
	var faults []function.Fault
	known := append(site.Stores(), rotateAlarms, rotateAll)
	for i, word := range body.Secrets {
		if !slices.Contains(known, word) {
			faults = append(faults, function.Fault{
				Field: fmt.Sprintf("secrets[%d]", i), Message: "is none that can be rotated; they are " + strings.Join(known, ", ") + ".",
			})
		}
	}
	if wish.Since.After(d.now()) {
		faults = append(faults, function.Fault{Field: "since", Message: "must not be in the future: the rotation would never end."})
	}
	asked := func(word string) bool {
		return slices.Contains(body.Secrets, word) || slices.Contains(body.Secrets, rotateAll)
	}
	for _, store := range site.Stores() {
		if asked(store) && (store != site.StoreObjects || body.Storage != nil) {
			wish.Stores = append(wish.Stores, store)
		}
	}
	switch named := slices.Contains(body.Secrets, site.StoreObjects); {
	case named && body.Storage == nil:
		faults = append(faults, function.Fault{Field: "storage", Message: "is missing; make new keys at the object store and give them as access_key and secret_key."})
	case body.Storage != nil && !asked(site.StoreObjects):
		faults = append(faults, function.Fault{Field: "secrets", Message: "must have storage, as keys of it are given."})
	case body.Storage != nil && stack.Parameters["s3_bucket"] == "" && stack.Parameters["backup_bucket"] == "":
		faults = append(faults, function.Fault{Field: "storage", Message: "is not for this site: it has no object store."})
	case body.Storage != nil:
		given = site.Storage{AccessKey: body.Storage.AccessKey, SecretKey: body.Storage.SecretKey}
		wish.Keys, wish.SameKeys = d.proof(name, given)
	}
	if asked(rotateAlarms) {
		wish.URLs = d.signed(name)
	}
	if len(faults) > 0 {
		return wish, given, function.Invalid(faults...)
	}
	return wish, given, nil
}

// proof shows that two requests give the same keys of the object store, without showing them.
func (d *deployer) proof(name string, s site.Storage) (keys string, same func(remembered string) bool) {
	text := name + "\x00" + s.AccessKey.Reveal() + "\x00" + s.SecretKey.Reveal()
	return d.box.Sign(purposeKeys, text), func(remembered string) bool { return d.box.Verify(purposeKeys, text, remembered) }
}

// signed are the addresses for a site's alarms, each signed for what it does by the newest key.
func (d *deployer) signed(name string) site.URLs {
	return site.URLs{Out: caller.ScaleAddress(d.box, d.publicURL, name, "out"), In: caller.ScaleAddress(d.box, d.publicURL, name, "in")}
}
