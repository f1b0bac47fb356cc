package grades

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/openstack"
)

// ErrUnread says that Heat did not tell what is written down at a lab. That is not the same as nothing: who gets it decides
// nothing by what the lab earned, and above all does not delete the lab.
var ErrUnread = errors.New("what is written down at the lab is not known")

// Teller is what is needed of OpenStack to read a handle. openstack.Cloud is one.
type Teller interface {
	Metadata(ctx context.Context, ref openstack.StackRef, resource string) (map[string]any, error)
}

// Whole is a stack that was read with its outputs, now with its signals even where its outputs do not tell them, as while it
// sleeps (lab.Stack.Untold): only then it takes a call. Asked again of what it gave it takes none.
func Whole(ctx context.Context, cloud Teller, s openstack.Stack) (openstack.Stack, error) {
	why := lab.Stack{Action: s.Action, Status: s.Status, Outputs: s.Outputs}.Untold()
	if why == "" {
		return s, nil
	}
	signals, err := cloud.Metadata(ctx, s.StackRef, Handle)
	if err != nil && openstack.CodeOf(err) != openstack.Gone { // that is an answer: the handle is no more, and so is what was in it
		return s, fmt.Errorf("%w: %s: %w", ErrUnread, why, err)
	}
	text, err := json.Marshal(dataOf(signals))
	if err != nil {
		return s, fmt.Errorf("%w: %w", ErrUnread, err)
	}
	s.Outputs = maps.Clone(s.Outputs)
	s.Outputs[lab.SignalsOutput] = string(text)
	return s, nil
}

// dataOf is of a handle's metadata what a wait condition would make of it: the data by the signals' ids.
func dataOf(metadata map[string]any) map[string]any {
	data := make(map[string]any, len(metadata))
	for id, signal := range metadata {
		if fields, ok := signal.(map[string]any); ok {
			data[id] = fields["data"]
		}
	}
	return data
}
