package scalecluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/dial"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/trace"
)

// leaving is what the hook is told of a node. README.md has how to check its signature.
type leaving struct {
	// ID is the same each time that the same drain of the same node is asked about.
	ID       string    `json:"id"`
	Cluster  string    `json:"cluster"`
	Stack    string    `json:"stack"`
	Node     string    `json:"node"`
	Server   string    `json:"server"`
	Address  string    `json:"address"`
	Since    time.Time `json:"since"`
	Deadline time.Time `json:"deadline"`
}

// asksAtOnce is how many hooks are called at a time: a pass has to answer, too.
const asksAtOnce = 8

// ask asks the cluster's hook about nodes that are to be removed, and says which it agreed to by a status of 2xx (F11). It
// may be asked about a node again, also after it agreed: an update may be lost after its word.
func ask(ctx context.Context, t target, asks []cluster.Ask, now function.Clock) map[string]bool {
	hook := t.fixed.Drain.Hook
	client := trace.Client(dial.Own(hook.Timeout))
	agreed := make(map[string]bool, len(asks))
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, asksAtOnce)
	for _, a := range asks {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			err := call(ctx, client, hook, leavingOf(t, a), now())
			if err != nil {
				logging.From(ctx).Warn().Err(err).Str("node", a.Node).Time("deadline", a.Deadline).Msg("the hook has not agreed to a node's removal")
			}
			mu.Lock()
			defer mu.Unlock()
			agreed[a.Node] = err == nil
		})
	}
	wg.Wait()
	return agreed
}

func leavingOf(t target, a cluster.Ask) leaving {
	since := a.Since.UTC()
	sum := sha256.Sum256([]byte(t.stack + "\n" + a.Node + "\n" + a.Server + "\n" + strconv.FormatInt(since.Unix(), 10)))
	return leaving{
		ID: hex.EncodeToString(sum[:16]), Cluster: t.name, Stack: t.stack, Node: a.Node, Server: a.Server, Address: a.Address,
		Since: since, Deadline: a.Deadline.UTC(),
	}
}

// call makes one signed request; nil means that the hook agreed.
func call(ctx context.Context, client *http.Client, hook config.Hook, about leaving, now time.Time) error {
	body, err := json.Marshal(about)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	return dial.PostSigned(ctx, client, hook.URL, hook.Secret.Reveal(), body, now) //nolint:wrapcheck // it says all there is
}
