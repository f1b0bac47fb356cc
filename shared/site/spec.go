package site

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"
)

// Spec is what an operator asks for. Everything but the image and the flavor has a default.
type Spec struct {
	Image  string `json:"image"`
	Flavor string `json:"flavor"`
	// Nodes is the number to start with, or to go to when it differs from the last one asked for.
	Nodes *int `json:"nodes"`
	Min   *int `json:"min"`
	Max   *int `json:"max"`

	Network         string  `json:"network"`
	Subnet          string  `json:"subnet"`
	CIDR            string  `json:"cidr"`
	ExternalNetwork *string `json:"external_network"` // "" for none, where the configuration has a default
	ListenPort      *int    `json:"listen_port"`

	KeyName    string `json:"key_name"`
	UserData   string `json:"user_data"`
	AppPort    *int   `json:"app_port"`
	HealthPath string `json:"health_path"`

	CooldownOut string `json:"cooldown_out"`
	CooldownIn  string `json:"cooldown_in"`
	Alarm       Alarm  `json:"alarm"`
}

// Alarm says when the site scales by itself.
type Alarm struct {
	// Off makes no alarms: for a cloud without Aodh, or a site that only people scale.
	Off         bool     `json:"off"`
	Metric      string   `json:"metric"`
	Aggregation string   `json:"aggregation"`
	Granularity *int     `json:"granularity"` // seconds
	Periods     *int     `json:"periods"`
	High        *float64 `json:"high"`
	Low         *float64 `json:"low"`
}

// Defaults fill what a Spec leaves out.
type Defaults struct {
	Image, Flavor, ExternalNetwork string
}

// Fault is one thing wrong with a Spec. Message follows the field's name and ends with a period.
type Fault struct {
	Field   string
	Message string
}

// Bounds where a Spec names none.
const (
	defaultMin = 1
	defaultMax = 4
	mostNodes  = 200 // as the template has it
)

// maxUserData is Nova's limit, in base64 (nova/api/openstack/compute/schemas/servers.py).
const maxUserData = 65535

var nameForm = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$`)

// CheckName says what is wrong with a site's name: it becomes a stack's name and part of host names.
func CheckName(name string) []Fault {
	switch {
	case !nameForm.MatchString(name):
		return []Fault{{"name", "must be 1 to 40 lower-case letters, digits and hyphens, begin with a letter and not end with a hyphen."}}
	case strings.HasPrefix(name, "lab-"):
		return []Fault{{"name", `must not begin with "lab-": those names are the labs'.`}}
	}
	return nil
}

// Fill puts defaults where the Spec says nothing.
func (s Spec) Fill(d Defaults) Spec {
	s.Image, s.Flavor = or(s.Image, d.Image), or(s.Flavor, d.Flavor)
	if s.ExternalNetwork == nil {
		s.ExternalNetwork = &d.ExternalNetwork
	}
	low, high := s.bounds()
	s.Min, s.Max = &low, &high
	return s
}

// bounds are the Spec's, with defaults that fit what was given.
func (s Spec) bounds() (low, high int) {
	low = defaultMin
	if s.Min != nil {
		low = *s.Min
	} else if s.Nodes != nil && *s.Nodes >= 1 {
		low = min(low, *s.Nodes)
	}
	if s.Max != nil {
		return low, *s.Max
	}
	high = max(defaultMax, low)
	if s.Nodes != nil {
		high = max(high, *s.Nodes)
	}
	return low, high
}

// Check lists everything that is wrong with a filled Spec.
func Check(s Spec) []Fault {
	var c checker
	c.text("image", s.Image, true, 255)
	c.text("flavor", s.Flavor, true, 255)
	c.text("network", s.Network, false, 255)
	c.text("subnet", s.Subnet, false, 255)
	c.text("key_name", s.KeyName, false, 255)
	c.text("alarm.metric", s.Alarm.Metric, false, 255)
	c.text("alarm.aggregation", s.Alarm.Aggregation, false, 64)
	if s.ExternalNetwork != nil {
		c.text("external_network", *s.ExternalNetwork, false, 255)
	}
	c.numbers(s)
	c.network(s)
	c.alarm(s.Alarm)
	if s.HealthPath != "" && (!strings.HasPrefix(s.HealthPath, "/") || len(s.HealthPath) > 255 || strings.ContainsAny(s.HealthPath, " \t\r\n")) {
		c.fault("health_path", "must begin with a slash and hold no spaces")
	}
	if n := base64.StdEncoding.EncodedLen(len(s.UserData)); n > maxUserData {
		c.fault("user_data", fmt.Sprintf("is too long: %d bytes in base64, of %d", n, maxUserData))
	}
	c.duration("cooldown_out", s.CooldownOut)
	c.duration("cooldown_in", s.CooldownIn)
	return c.faults
}

type checker struct{ faults []Fault }

func (c *checker) fault(field, message string) {
	c.faults = append(c.faults, Fault{field, message + "."})
}

func (c *checker) text(field, value string, required bool, limit int) {
	switch {
	case required && value == "":
		c.fault(field, "is required, as the configuration has no default for it")
	case len(value) > limit:
		c.fault(field, fmt.Sprintf("is longer than %d bytes", limit))
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
		c.fault(field, "holds control characters")
	}
}

func (c *checker) upTo(field string, value *int, high int) {
	if value != nil && (*value < 1 || *value > high) {
		c.fault(field, fmt.Sprintf("must be 1 to %d", high))
	}
}

func (c *checker) numbers(s Spec) {
	before := len(c.faults)
	c.upTo("min", s.Min, mostNodes)
	c.upTo("max", s.Max, mostNodes)
	c.upTo("nodes", s.Nodes, mostNodes)
	c.upTo("app_port", s.AppPort, 65535)
	c.upTo("listen_port", s.ListenPort, 65535)
	if len(c.faults) > before || s.Min == nil || s.Max == nil {
		return // whether numbers fit each other is only asked of good ones
	}
	if *s.Max < *s.Min {
		c.fault("max", "must not be less than min")
	} else if s.Nodes != nil && (*s.Nodes < *s.Min || *s.Nodes > *s.Max) {
		c.fault("nodes", fmt.Sprintf("must be between min and max, which are %d and %d", *s.Min, *s.Max))
	}
}

func (c *checker) network(s Spec) {
	switch {
	case s.Network != "" && s.Subnet == "":
		c.fault("subnet", "is required with network")
	case s.Network == "" && s.Subnet != "":
		c.fault("network", "is required with subnet")
	case s.Network != "" && s.CIDR != "":
		c.fault("cidr", "is for the network that is made when none is given: leave out cidr or network")
	}
	if s.CIDR == "" {
		return
	}
	if p, err := netip.ParsePrefix(s.CIDR); err != nil || !p.Addr().Is4() || p != p.Masked() || p.Bits() > 28 {
		c.fault("cidr", "must be an IPv4 network of /28 or larger, e.g. 10.90.0.0/24")
	}
}

func (c *checker) alarm(a Alarm) {
	c.upTo("alarm.granularity", a.Granularity, 86400)
	c.upTo("alarm.periods", a.Periods, 100)
	if a.High != nil && a.Low != nil && *a.Low >= *a.High {
		c.fault("alarm.low", "must be less than alarm.high, or the site grows and shrinks in turn")
	}
	if a.Metric != "" && (a.High == nil || a.Low == nil || a.Aggregation == "") {
		c.fault("alarm.metric", "needs aggregation, high and low of its own: the defaults are for cpu")
	}
}

func (c *checker) duration(field, value string) {
	if d, err := duration(value); err != nil || d < 0 || d > 24*time.Hour {
		c.fault(field, `must be a duration of at most 24h, e.g. "90s" or "10m"`)
	}
}

// duration reads a duration; none is zero.
func duration(value string) (time.Duration, error) {
	if value == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(value)
	if err != nil {
		return 0, fmt.Errorf("parse duration: %w", err)
	}
	return d, nil
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
