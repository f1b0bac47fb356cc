package config

import (
	"encoding/pem"
	"fmt"
	"maps"
	"net"
	"net/url"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/valid"
)

func (c *Config) setDefaults() {
	c.Store = "memory"
	c.Replicas = 1
	c.Tend = Tend{Rate: 10, Parallel: 8}
}

func (l *Lab) setDefaults() {
	l.BuildTimeout = 15 * time.Minute
	l.IdleTimeout = 30 * time.Minute
	l.Lifetime = 8 * time.Hour
	l.MaxAge = 14 * 24 * time.Hour
	l.Grace = time.Hour
	l.Budget = Budget{Per: 30 * 24 * time.Hour, Action: "warn"}
}

func (c *Check) setDefaults() { c.Kind, c.Weight = "report", 1 }

func (c *Consumer) setDefaults() { c.SignatureMethods = []string{"HMAC-SHA1"} }

func (p *Platform) setDefaults() { p.Algorithms = []string{"RS256"} }

func (c *Cluster) setDefaults() {
	c.CooldownOut = 3 * time.Minute
	c.CooldownIn = 10 * time.Minute
	c.Victims = "oldest"
	c.Drain.Min = 30 * time.Second
	c.Drain.Hook = Hook{Timeout: 2 * time.Second, Deadline: 5 * time.Minute}
	c.StuckTimeout = 65 * time.Minute // as cluster.DefaultStuck
}

// normalise gives values the one form that the rest of the code relies on.
func (c *Config) normalise(folder string) {
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	if c.TemplatesDir != "" && !filepath.IsAbs(c.TemplatesDir) {
		c.TemplatesDir = filepath.Join(folder, c.TemplatesDir)
	}
	if c.LTI.PlatformsDir != "" && !filepath.IsAbs(c.LTI.PlatformsDir) {
		c.LTI.PlatformsDir = filepath.Join(folder, c.LTI.PlatformsDir)
	}
	for name, entry := range c.Clusters {
		if entry.Stack == "" {
			entry.Stack = name
			c.Clusters[name] = entry
		}
	}
}

func (c *Config) check() Faults {
	var faults Faults
	for _, f := range valid.YAML().Struct(c) {
		faults = append(faults, Fault{Path: f.Path, Message: f.Message})
	}
	add := func(path, format string, args ...any) {
		faults = append(faults, Fault{Path: path, Message: fmt.Sprintf(format, args...)})
	}
	c.checkPublicURL(add)
	c.checkStore(add)
	c.checkLTI(add)
	c.checkLabs(add)
	c.checkClusters(add)
	c.checkExamples(add)
	return faults
}

type adder func(path, format string, args ...any)

// Browsers post learners' identities and clouds post signed requests to public_url: only a developer's own machine goes without TLS.
func (c *Config) checkPublicURL(add adder) {
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Host == "" {
		return // the rule on the field has said so
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		add("public_url", "must begin with https://, because it is not this machine.")
	}
	if u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		add("public_url", "must be a scheme, a host and perhaps a path, without user, ? or #.")
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// database is what may follow the host in the address of a Redis.
var database = regexp.MustCompile(`^/?[0-9]{0,4}$`)

// A store in memory is one process's own: with several, each would accept the same launch once.
func (c *Config) checkStore(add adder) {
	u, err := url.Parse(c.Store)
	redis := err == nil && (u.Scheme == "redis" || u.Scheme == "rediss") && u.Host != ""
	switch {
	case c.Store != "memory" && !redis:
		add("store", "must be memory or the address of a Redis, such as redis://redis.example.org:6379/0 (rediss:// with TLS).")
	case redis && u.User != nil:
		add("store", "must not hold a password; put it into store_password or store_password_file.")
	case redis && (!database.MatchString(u.Path) || u.RawQuery != "" || u.Fragment != ""):
		add("store", "must be the address of a Redis with nothing but the number of a database after it, such as /0.")
	case c.Store == "memory" && c.Replicas > 1:
		add("replicas", "must be 1 with store: memory, because each process would remember launches of its own only; give them a Redis.")
	}
}

func (c *Config) checkLTI(add adder) {
	if c.NamingKey == "" && len(c.Labs)+len(c.LTI.Consumers)+len(c.LTI.Platforms) > 0 {
		add("naming_key", "is missing; set it to 32 or more random characters and never change it: the names of labs derive from it.")
	}
	for i, consumer := range c.LTI.Consumers {
		c.checkOffer(add, fmt.Sprintf("lti.consumers[%d]", i), consumer.Labs, consumer.FrameAncestors)
	}
	c.checkPlatforms(add)
	c.checkToolKeys(add)
	for i, r := range c.LTI.Registration {
		path := fmt.Sprintf("lti.registration[%d]", i)
		c.checkOffer(add, path, r.Labs, r.FrameAncestors)
		if !private(r.Issuer) {
			add(path+".issuer", "must begin with https://, because it is not this machine.")
		}
	}
}

func (c *Config) checkPlatforms(add adder) {
	registered := map[[2]string]bool{}
	for i, p := range c.LTI.Platforms {
		path := fmt.Sprintf("lti.platforms[%d]", i)
		c.checkOffer(add, path, p.Labs, p.FrameAncestors)
		for _, field := range []struct{ name, address string }{{"auth_url", p.AuthURL}, {"token_url", p.TokenURL}, {"jwks_url", p.JWKSURL}} {
			if !private(field.address) {
				add(path+"."+field.name, "must begin with https://, because it is not this machine.")
			}
		}
		if registered[[2]string{p.Issuer, p.ClientID}] {
			add(path, "has the issuer and client_id of another platform; each pair may be there once.")
		}
		registered[[2]string{p.Issuer, p.ClientID}] = true
	}
}

// checkToolKeys sees what was put in the wrong place; whoever signs with the keys takes them apart.
func (c *Config) checkToolKeys(add adder) {
	keys := c.LTI.ToolKeys
	if keys.Current == "" && keys.Next+keys.Previous != "" {
		add("lti.tool_keys.current", "is missing beside the other keys; it is the one that signs.")
	}
	for _, key := range []struct {
		name string
		text Secret
	}{{"current", keys.Current}, {"next", keys.Next}, {"previous", keys.Previous}} {
		if key.text == "" {
			continue
		}
		block, _ := pem.Decode([]byte(key.text.Reveal()))
		switch {
		case block == nil:
			add("lti.tool_keys."+key.name, "must be an RSA key as PEM, such as openssl genrsa 2048 prints; put it into a file and that into %s_file.", key.name)
		case key.name == "current" && strings.Contains(block.Type, "PUBLIC"):
			add("lti.tool_keys.current", "is a public key; put the private one, because it signs.")
		}
	}
}

// checkOffer checks what every kind of tenant has: the labs it may launch and the sites that may show them.
func (c *Config) checkOffer(add adder, path string, labs, ancestors []string) {
	for j, key := range labs {
		if _, ok := c.Labs[key]; !ok {
			add(fmt.Sprintf("%s.labs[%d]", path, j), "names the lab %q, which is not there; add it under labs or correct the name.", key)
		}
	}
	for j, ancestor := range ancestors {
		if !origin(ancestor) {
			add(fmt.Sprintf("%s.frame_ancestors[%d]", path, j), "must be a scheme and a host, such as https://lms.example.org, with nothing after it.")
		}
	}
}

// private says that nobody can read along on the way to address: it has TLS, or never leaves this machine.
func private(address string) bool {
	u, err := url.Parse(address)
	return err != nil || u.Scheme == "https" || u.Host == "" || loopback(u.Hostname())
}

// origin says that text is scheme://host[:port] and can stand in a Content-Security-Policy as it is.
func origin(text string) bool {
	u, err := url.Parse(text)
	return err != nil || u.Host == "" || text == u.Scheme+"://"+u.Host && !strings.ContainsAny(u.Host, "*;,'\" @")
}

func (c *Config) checkLabs(add adder) {
	for _, key := range slices.Sorted(maps.Keys(c.Labs)) {
		lab := c.Labs[key]
		if lab.Lifetime > lab.MaxAge && lab.MaxAge > 0 {
			add("labs."+key+".lifetime", "must not be longer than max_age, when the lab is deleted whatever happens.")
		}
		if lab.Extend.Times > 0 && lab.Extend.By == 0 {
			add("labs."+key+".extend.by", "is missing; say how much time one extension gives, such as 1h.")
		}
		for i, w := range lab.Windows {
			if start, end := w.Times(); !start.IsZero() && !end.IsZero() && !end.After(start) {
				add(fmt.Sprintf("labs.%s.windows[%d].end", key, i), "must be after start.")
			}
		}
	}
}

func (c *Config) checkClusters(add adder) {
	owner := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(c.Clusters)) {
		if slices.Contains([]string{"metrics", "reconcile"}, name) {
			add("clusters."+name, "is what an address of scale-cluster is called; choose another name.")
		}
		stack := c.Clusters[name].Stack
		if other, taken := owner[stack]; taken {
			add("clusters."+name+".stack", "is also the stack of cluster %s; two clusters would undo each other's work.", other)
		}
		owner[stack] = name
		c.Clusters[name].check("clusters."+name, add)
	}
}

// maxLength is the longest time of a schedule: what lasts longer is a bound of its own.
const maxLength = 31 * 24 * time.Hour

func (c Cluster) check(path string, add adder) {
	c.Drain.check(path+".drain", add)
	for i, s := range c.Schedules {
		below := fmt.Sprintf("%s.schedules[%d]", path, i)
		if s.Max > 0 && s.Min > s.Max {
			add(below+".max", "must not be less than min.")
		}
		if s.Length > maxLength {
			add(below+".length", "must be at most %s.", FormatDuration(maxLength))
		}
	}
	for i, a := range c.Auth {
		if strings.EqualFold(a.Header, "Authorization") || strings.EqualFold(a.Header, "X-Auth-Token") {
			add(fmt.Sprintf("%s.auth[%d].header", path, i), "is one that clients send themselves; name one that only the proxy sets.")
		}
	}
}

// maxHook is the longest that a request may be kept waiting by a hook.
const maxHook = 10 * time.Second

func (d Drain) check(path string, add adder) {
	if d.Sticky > d.Timeout {
		add(path+".sticky", "must not be longer than timeout, when the node is removed.")
	}
	if d.Timeout == 0 && d.SessionsURL != "" {
		add(path+".sessions_url", "does nothing without timeout; say how long a node may take to finish, such as 5m.")
	}
	if d.Timeout == 0 && d.Hook.URL != "" {
		add(path+".hook.url", "is never called without timeout: only nodes that are drained are asked about.")
	}
	if d.Hook.Timeout > maxHook {
		add(path+".hook.timeout", "must be at most %s: a pass waits for it.", FormatDuration(maxHook))
	}
}

// placeholder begins the secrets of deploy/example.yaml.
const placeholder = "change-me"

// checkExamples refuses the published secrets of the example anywhere but on its own, reserved domain (RFC 2606) and on
// loopback.
func (c *Config) checkExamples(add adder) {
	u, err := url.Parse(c.PublicURL)
	if err != nil || loopback(u.Hostname()) || strings.HasSuffix("."+u.Hostname(), ".example.org") {
		return
	}
	each("", reflect.ValueOf(c).Elem(), func(path string, secret Secret) {
		if strings.HasPrefix(secret.Reveal(), placeholder) {
			add(path, "is still the example's, which everybody knows; put a secret of your own, such as openssl rand -hex 32 prints.")
		}
	})
}

// each calls found for every secret below a value.
func each(path string, v reflect.Value, found func(string, Secret)) {
	switch {
	case v.Type() == secretType:
		found(path, Secret(v.String()))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			each(strings.TrimPrefix(path+"."+v.Type().Field(i).Tag.Get("yaml"), "."), v.Field(i), found)
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			each(fmt.Sprintf("%s[%d]", path, i), v.Index(i), found)
		}
	case v.Kind() == reflect.Map:
		for _, key := range slices.Sorted(maps.Keys(mapKeys(v))) {
			each(path+"."+key, v.MapIndex(reflect.ValueOf(key)), found)
		}
	}
}
