package openstacktest

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// guestBoots is what a server's guest does once it runs: it signals every wait handle named in its user data.
func (c *Cloud) guestBoots(userData string) {
	userData = decoded(userData)
	if c.opts.SilentGuests || !strings.Contains(userData, "/signal") {
		return
	}
	for _, r := range c.handles(userData) {
		if r.name == "progress" {
			c.signal(r, c.told(r, userData))
			continue
		}
		c.signal(r, c.readiness(r))
	}
}

var encoded = regexp.MustCompile(`Content-Transfer-Encoding: base64\n(?:[^\n]+\n)*\n([A-Za-z0-9+/=\n]+)`)

// decoded is user data with its parts in base64 readable.
func decoded(userData string) string {
	return encoded.ReplaceAllStringFunc(userData, func(part string) string {
		head, body, _ := strings.Cut(part, "\n\n")
		text, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(body, "\n", ""))
		if err != nil {
			return part
		}
		return head + "\n\n" + string(text)
	})
}

// guestKey is a host key for every fake machine.
const guestKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFakeCloudFakeCloudFakeCloudFakeCloudFakeCl"

// readiness is what a lab's machine signals: heat-templates/labs/README.md. Further machines of the stack signal without an id.
func (c *Cloud) readiness(handle *resource) map[string]any {
	body := map[string]any{"status": "SUCCESS", "reason": "the guest is up"}
	if handle.meta["ready"] == nil {
		body["id"], body["data"] = "ready", map[string]any{"at": int(c.clock.now.Unix()), "host_key": guestKey}
	}
	return body
}

// Settings are the lines NAME='value' of a machine's user data: what a site's boot scripts are given.
func Settings(userData string) map[string]string {
	out := map[string]string{}
	for line := range strings.SplitSeq(userData, "\n") {
		name, quoted, ok := strings.Cut(line, "='")
		value, closed := strings.CutSuffix(quoted, "'")
		if ok && closed && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == "" {
			out[name] = value
		}
	}
	return out
}

// told is what a site's machine says of itself on the handle that nothing waits for: heat-templates/README.md.
func (c *Cloud) told(handle *resource, userData string) map[string]any {
	site := Settings(userData)
	data := map[string]any{"role": site["ROLE"], "step": "heartbeat", "secrets": site["SECRETS"]}
	who := or(site["INDEX"], site["NAME"])
	if index, err := strconv.Atoi(site["INDEX"]); err == nil {
		data["index"], data["step"], data["size"], data["mode"] = index, "mysql", 3, "join"
	}
	id := fmt.Sprintf("%s-%s-%d", site["ROLE"], who, c.clock.now.Unix())
	if handle.meta[id] != nil {
		id += "-" + strconv.Itoa(len(handle.meta))
	}
	return map[string]any{"id": id, "status": "SUCCESS", "reason": site["ROLE"] + " " + who + ": ready", "data": data}
}

// UserData is what the server of this name was given; empty if there is no such server.
func (c *Cloud) UserData(serverName string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick()
	for _, s := range c.nova.servers {
		if s.str("name") == serverName {
			return s.str("user_data")
		}
	}
	return ""
}
