package deploysite_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

const writes = "POST PUT PATCH DELETE"

// wrote are the calls that change something: all but reads, the login, and Heat's own looks at a template or an update.
func (h *house) wrote() []string {
	var list []string
	for _, call := range h.cloud.Calls() {
		look := strings.HasSuffix(call.Path, "/preview") || strings.HasSuffix(call.Path, "/validate")
		if strings.Contains(writes, call.Method) && call.Service != "identity" && !look {
			list = append(list, call.Name)
		}
	}
	h.cloud.ResetCalls()
	return list
}

func (h *house) post(path, body string) reply {
	h.t.Helper()
	return h.send(http.MethodPost, "/sites/"+path, body)
}

// volumesOf are the ids of the volumes marked as a site's, by status.
func (h *house) volumesOf(name string) map[string]string {
	h.t.Helper()
	all, err := h.client().Volumes(h.t.Context(), map[string]string{"stackhook-site": name})
	if err != nil {
		h.t.Fatal(err)
	}
	out := map[string]string{}
	for _, v := range all {
		out[v.ID] = v.Status
	}
	return out
}

// byPlace maps the places of a site to its volumes' ids, one of them left out.
func (h *house) byPlace(name, without string) map[string]string {
	h.t.Helper()
	all, err := h.client().Volumes(h.t.Context(), map[string]string{"stackhook-site": name})
	if err != nil {
		h.t.Fatal(err)
	}
	out := map[string]string{}
	for _, v := range all {
		if v.ID != without {
			out[v.Metadata["role"]+"-"+v.Metadata["index"]] = v.ID
		}
	}
	return out
}

// nodesSay has data nodes say that they are in one cluster.
func (h *house) nodesSay(mode string, seqno map[int]int) {
	h.t.Helper()
	if !h.say(academy, mode, seqno) {
		h.t.Fatal("no progress handle")
	}
}

func (h *house) say(site, mode string, seqno map[int]int) bool {
	h.t.Helper()
	h.cloud.Advance(time.Second)
	for index, n := range seqno {
		body := map[string]any{
			"id": fmt.Sprintf("backend-%d-%d", index, h.cloud.Now().UnixMilli()), "status": "SUCCESS", "reason": fmt.Sprintf("backend %d: mysql %s", index, mode),
			"data": fmt.Sprintf(`{"role":"backend","index":%d,"step":"mysql","size":3,"mode":%q,"uuid":"u-1","seqno":%d}`, index, mode, n),
		}
		if !h.cloud.Signal(site, "progress", body) {
			return false
		}
	}
	return true
}

// servers are the ids of all servers, in order.
func (h *house) servers() []string {
	h.t.Helper()
	all, err := h.client().Servers(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	var list []string
	for _, s := range all {
		list = append(list, s.ID)
	}
	slices.Sort(list)
	return list
}

// gone deletes the site academy, with the confirmation that it gives.
func (h *house) gone() (confirm string) {
	h.t.Helper()
	confirm = h.send(http.MethodDelete, "/sites/academy", "").str("confirm")
	h.send(http.MethodDelete, "/sites/academy?confirm="+confirm, "").want(h.t, http.StatusAccepted, "deleting")
	h.cloud.Settle()
	return confirm
}
