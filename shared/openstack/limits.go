package openstack

import (
	"context"
	"math"
	"net/http"
)

// ServerRoom is how many more servers the project's quota in Nova allows, whatever their size; math.MaxInt without a
// bound.
func (c *Cloud) ServerRoom(ctx context.Context) (int, error) {
	const op = "read limits of Nova"
	var reply struct {
		Limits struct {
			Absolute struct {
				Max  *int `json:"maxTotalInstances"` // -1: no bound
				Used *int `json:"totalInstancesUsed"`
			} `json:"absolute"`
		} `json:"limits"`
	}
	if err := c.do(ctx, request{op: op, service: nova(), method: http.MethodGet, path: "/limits", into: &reply}); err != nil {
		return 0, err
	}
	absolute := reply.Limits.Absolute
	switch {
	case absolute.Max == nil || absolute.Used == nil:
		return 0, broken(op, "the answer has no limit of servers")
	case *absolute.Max < 0:
		return math.MaxInt, nil
	}
	return max(0, *absolute.Max-*absolute.Used), nil
}
