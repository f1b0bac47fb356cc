package site

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Tags of every site's stack.
const (
	TagOurs = "stackhook"
	TagSite = "site"
)

// Kinds of load balancer; auto is what the cloud has.
const (
	KindAuto    = "auto"
	KindOctavia = "octavia"
	KindLBaaSv2 = "lbaasv2"
)

// Template is what a site's stack is made from: its digest, and the defaults of its parameters.
type Template struct {
	Digest   string
	Defaults map[string]any
}

// URLs are what the site's alarms call; empty ones make no alarms.
type URLs struct{ Out, In string }

// Want is a checked and filled Spec with what else makes a stack of it.
type Want struct {
	Spec     Spec
	Template Template
	URLs     URLs
	// Keys proves that two requests give the same keys of the object store, without showing them: it is compared with what
	// the stack remembers by SameKeys. Empty where the Spec gives none.
	Keys string
	// SameKeys says whether a remembered Keys is of these keys; nil is equality.
	SameKeys func(remembered string) bool
}

// state is what was last asked for, in the parameter site_state: what the other parameters do not show.
type state struct {
	Nodes    int    `json:"nodes,omitempty"` // as asked, which is not what scaling made of it
	URLs     string `json:"urls,omitempty"`  // digest: Heat never shows hidden parameters
	Template string `json:"template"`
	Keys     string `json:"keys,omitempty"`
}

func stateIn(parameters map[string]string) state {
	var had state
	if json.Unmarshal([]byte(parameters["site_state"]), &had) != nil {
		return state{}
	}
	return had
}

// Create are the parameters of a new stack: everything, with the load balancer's kind as it was found out, the volumes to
// take over, if any, and the secrets.
func (w Want) Create(kind string, volumes map[string]string, secrets Secrets) map[string]any {
	p := w.settings()
	p["site_state"] = w.state(state{})
	p["app_count"] = w.start()
	p["scale_out_url"], p["scale_in_url"] = w.URLs.Out, w.URLs.In
	p["lb_kind"] = kind
	p["backend_restore"] = w.Spec.Backup.Restore
	p["secrets"] = secrets.Reveal()
	if len(volumes) > 0 {
		p["volumes"] = volumes
	}
	w.leaveOut(p)
	return p
}

// leaveOut drops texts that are the template's defaults: Heat looks into other services for a text that is sent, such as an
// empty volume type (400 "The VolumeType () could not be found." on Zed).
func (w Want) leaveOut(p map[string]any) {
	for name, value := range p {
		if text, ok := value.(string); ok && w.Template.Defaults[name] == text {
			delete(p, name)
		}
	}
}

// start is the number of nodes of a new site.
func (w Want) start() int {
	if w.Spec.App.Nodes != nil {
		return *w.Spec.App.Nodes
	}
	return *w.Spec.App.Min
}

// settings are the parameters that are compared with what the stack shows.
func (w Want) settings() map[string]any {
	s := w.Spec
	p := map[string]any{
		"app_image": s.App.Image, "app_flavor": s.App.Flavor, "app_min": *s.App.Min, "app_max": *s.App.Max,
		"backend_image": s.Backend.Image, "backend_flavor": s.Backend.Flavor, "backend_affinity": s.Backend.Affinity,
		"mysql_size": *s.Backend.MySQLGB, "mongodb_size": *s.Backend.MongoDBGB,
		"network": s.Network.ID, "subnet": s.Network.Subnet, "external_network": *s.Network.External,
		"admin_cidr": s.Network.AdminCIDR, "dns_zone": s.Network.Zone, "tls_container": s.LoadBalancer.TLSContainer,
		"key_name": s.KeyName, "lms_host": s.Hosts.LMS, "studio_host": s.Hosts.Studio, "mfe_host": s.Hosts.MFE,
		"search_host": s.Hosts.Search, "platform_name": s.PlatformName, "contact_email": s.ContactEmail, "release": s.Release,
		"s3_endpoint": s.Storage.Endpoint, "s3_region": s.Storage.Region, "s3_bucket": s.Storage.Bucket,
		"s3_public_bucket": s.Storage.PublicBucket, "makes_buckets": s.Storage.Make, "backup_bucket": s.Backup.Bucket,
	}
	p["settings"] = map[string]any{}
	if len(s.Settings) > 0 {
		p["settings"] = s.Settings
	}
	w.text(p, "cidr", s.Network.CIDR)
	w.text(p, "volume_type", s.Backend.VolumeType)
	w.text(p, "alarm_metric", s.Alarm.Metric)
	w.text(p, "alarm_aggregation", s.Alarm.Aggregation)
	number(w, p, "listen_port", s.listenPort())
	number(w, p, "backup_hour", s.Backup.Hour)
	number(w, p, "alarm_granularity", s.Alarm.Granularity)
	number(w, p, "alarm_periods", s.Alarm.Periods)
	number(w, p, "alarm_high", s.Alarm.High)
	number(w, p, "alarm_low", s.Alarm.Low)
	w.seconds(p, "cooldown_out", s.Cooldowns.Out)
	w.seconds(p, "cooldown_in", s.Cooldowns.In)
	w.seconds(p, "app_timeout", s.App.Timeout)
	w.seconds(p, "backend_timeout", s.Backend.Timeout)
	return p
}

// listenPort is 443 with a certificate, unless the Spec says another.
func (s Spec) listenPort() *int {
	if s.LoadBalancer.ListenPort == nil && s.LoadBalancer.TLSContainer != "" {
		https := 443
		return &https
	}
	return s.LoadBalancer.ListenPort
}

// state is what the stack is to remember; keys that this request does not give stay remembered.
func (w Want) state(had state) string {
	st := state{Template: w.Template.Digest, URLs: w.urls(), Keys: had.Keys}
	if had.Keys == "" {
		st.Keys = w.Keys
	}
	if w.Spec.App.Nodes != nil {
		st.Nodes = *w.Spec.App.Nodes
	}
	b, err := json.Marshal(st)
	if err != nil {
		return "" // no field of it can fail to encode
	}
	return string(b)
}

func (w Want) urls() string {
	if w.URLs.Out == "" {
		return ""
	}
	return Digest(w.URLs.Out, w.URLs.In)
}

func (w Want) text(p map[string]any, name, value string) {
	p[name] = w.Template.Defaults[name]
	if value != "" {
		p[name] = value
	}
}

func (w Want) seconds(p map[string]any, name, value string) {
	p[name] = w.Template.Defaults[name]
	if d, err := duration(value); err == nil && value != "" {
		p[name] = int(d / time.Second)
	}
}

func number[T int | float64](w Want, p map[string]any, name string, value *T) {
	p[name] = w.Template.Defaults[name]
	if value != nil {
		p[name] = *value
	}
}

// same compares a value with what Heat prints of it: numbers by value, as 80 may come back as 80.0, and JSON by what it
// says.
func same(printed string, value any) bool {
	switch v := value.(type) {
	case string:
		return printed == v
	case nil:
		return printed == ""
	case bool: // Heat prints True
		was, _ := strconv.ParseBool(printed)
		return was == v
	case map[string]any:
		return sameJSON(printed, v)
	}
	text := fmt.Sprint(value)
	a, errA := strconv.ParseFloat(strings.TrimSpace(printed), 64)
	b, errB := strconv.ParseFloat(text, 64)
	if errA != nil || errB != nil {
		return printed == text
	}
	return a == b
}

func sameJSON(printed string, value map[string]any) bool {
	var have, want map[string]any
	text, err := json.Marshal(value)
	if err != nil || json.Unmarshal(text, &want) != nil {
		return false
	}
	if json.Unmarshal([]byte(printed), &have) != nil {
		return printed == "" && len(value) == 0
	}
	return len(have) == 0 && len(want) == 0 || reflect.DeepEqual(have, want)
}

// Digest is a short fingerprint of texts.
func Digest(texts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\x00")))
	return hex.EncodeToString(sum[:6])
}
