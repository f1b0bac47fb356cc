package openstack_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
)

// createTogether has 20 callers of one Cloud create one name and counts what they were told.
func createTogether(t *testing.T, cloud *openstack.Cloud) (made int, codes map[openstack.Code]int) {
	t.Helper()
	var mu sync.Mutex
	codes = map[openstack.Code]int{}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			_, err := cloud.CreateStack(t.Context(), openstack.NewStack{Name: "lab", Template: "t"})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				made++
				return
			}
			codes[openstack.CodeOf(err)]++
		})
	}
	all.Wait()
	return made, codes
}

// A Heat that lets everybody in, as a real one does with creates in one second, gets one request all the same.
func TestCreateTogether(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	var posts atomic.Int32
	p.handle("POST /heat/v1/p1/stacks", func(w http.ResponseWriter, _ *http.Request) {
		posts.Add(1)
		time.Sleep(100 * time.Millisecond) // so that the others come meanwhile
		reply(w, http.StatusCreated, map[string]any{"stack": map[string]any{"id": "s1"}})
	})
	made, codes := createTogether(t, p.cloud(t))
	// Whoever came after the first was done asks Heat, which would say StackExists; this one does not.
	if int(posts.Load()) != made || made+codes[openstack.Conflict] != 20 || made == 20 {
		t.Errorf("%d requests, %d made, refusals %v; want as many made as requests and the rest conflicts", posts.Load(), made, codes)
	}
}

// If the one who creates fails, the next one tries: nobody waits for nothing.
func TestCreateTogetherAfterFailure(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	var posts atomic.Int32
	p.handle("POST /heat/v1/p1/stacks", func(w http.ResponseWriter, _ *http.Request) {
		switch posts.Add(1) {
		case 1:
			reply(w, http.StatusServiceUnavailable, map[string]any{})
		case 2:
			reply(w, http.StatusCreated, map[string]any{"stack": map[string]any{"id": "s1"}})
		default:
			reply(w, http.StatusConflict, map[string]any{"error": map[string]any{"type": "StackExists", "message": "there"}})
		}
	})
	made, codes := createTogether(t, p.cloud(t))
	if made != 1 || codes[openstack.Unavailable] != 1 || codes[openstack.Conflict] != 18 {
		t.Errorf("%d made, refusals %v; want 1 made, 1 unavailable, 18 conflicts", made, codes)
	}
}
