package config

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/valid"
)

func (c *Config) setDefaults() {
	c.Store = "memory"
	c.Replicas = 1
}

func (l *Lab) setDefaults() {
	l.BuildTimeout = 15 * time.Minute
	l.IdleTimeout = 30 * time.Minute
	l.Lifetime = 8 * time.Hour
	l.MaxAge = 14 * 24 * time.Hour
}

func (c *Cluster) setDefaults() {
	c.CooldownOut = 3 * time.Minute
	c.CooldownIn = 10 * time.Minute
}

// normalise gives values the one form that the rest of the code relies on.
func (c *Config) normalise(folder string) {
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	if c.TemplatesDir != "" && !filepath.IsAbs(c.TemplatesDir) {
		c.TemplatesDir = filepath.Join(folder, c.TemplatesDir)
	}
	for name, cluster := range c.Clusters {
		if cluster.Stack == "" {
			cluster.Stack = name
			c.Clusters[name] = cluster
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

func (c *Config) checkLTI(add adder) {
	if c.NamingKey == "" && len(c.Labs)+len(c.LTI.Consumers) > 0 {
		add("naming_key", "is missing; set it to 32 or more random characters and never change it: the names of labs derive from it.")
	}
	for i, consumer := range c.LTI.Consumers {
		for j, key := range consumer.Labs {
			if _, ok := c.Labs[key]; !ok {
				add(fmt.Sprintf("lti.consumers[%d].labs[%d]", i, j), "names the lab %q, which is not there; add it under labs or correct the name.", key)
			}
		}
		for j, ancestor := range consumer.FrameAncestors {
			if !origin(ancestor) {
				add(fmt.Sprintf("lti.consumers[%d].frame_ancestors[%d]", i, j), "must be a scheme and a host, such as https://lms.example.org, with nothing after it.")
			}
		}
	}
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
	}
}

func (c *Config) checkClusters(add adder) {
	owner := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(c.Clusters)) {
		stack := c.Clusters[name].Stack
		if other, taken := owner[stack]; taken {
			add("clusters."+name+".stack", "is also the stack of cluster %s; two clusters would undo each other's work.", other)
		}
		owner[stack] = name
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
