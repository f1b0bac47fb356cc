package site

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/valid"
)

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

// Check lists everything that is wrong with a filled Spec: what each field must be, then whether they fit each other.
func Check(s Spec) []Fault {
	var c checker
	for _, f := range valid.JSON().Struct(s) {
		c.faults = append(c.faults, Fault{f.Path, f.Message})
	}
	if c.has("hosts.lms") { // what goes below a wrong name is wrong with it
		c.faults = slices.DeleteFunc(c.faults, func(f Fault) bool {
			return slices.Contains([]string{"hosts.studio", "hosts.mfe", "hosts.search"}, f.Field)
		})
	}
	c.hosts(s.Hosts)
	c.app(s.App)
	c.backend(s.Backend)
	c.network(s.Network)
	c.storage(s)
	c.alarm(s.Alarm)
	c.balancer(s)
	c.settings(s.Settings)
	for field, value := range map[string]string{
		"cooldowns.in": s.Cooldowns.In, "cooldowns.out": s.Cooldowns.Out,
		"app.timeout": s.App.Timeout, "backend.timeout": s.Backend.Timeout,
	} {
		c.duration(field, value)
	}
	slices.SortFunc(c.faults, func(a, b Fault) int { return strings.Compare(a.Field+a.Message, b.Field+b.Message) })
	return c.faults
}

type checker struct{ faults []Fault }

func (c *checker) fault(field, message string) {
	if !c.has(field) { // one word about a field is enough: the first is about its own form
		c.faults = append(c.faults, Fault{field, message + "."})
	}
}

func (c *checker) has(field string) bool {
	return slices.ContainsFunc(c.faults, func(f Fault) bool { return f.Field == field })
}

// hosts must differ: they are told apart by name alone.
func (c *checker) hosts(h Hosts) {
	seen := map[string]string{}
	for _, host := range [][2]string{{"lms", h.LMS}, {"studio", h.Studio}, {"mfe", h.MFE}, {"search", h.Search}} {
		name := strings.ToLower(host[1])
		if other := seen[name]; name != "" && other != "" {
			c.fault("hosts."+host[0], "must not be the same as hosts."+other)
			continue
		}
		seen[name] = host[0]
	}
}

func (c *checker) app(a App) {
	if c.has("app.min") || c.has("app.max") || c.has("app.nodes") || a.Min == nil || a.Max == nil {
		return // whether numbers fit each other is only asked of good ones
	}
	if *a.Max < *a.Min {
		c.fault("app.max", "must not be less than app.min")
	} else if a.Nodes != nil && (*a.Nodes < *a.Min || *a.Nodes > *a.Max) {
		c.fault("app.nodes", fmt.Sprintf("must be between app.min and app.max, which are %d and %d", *a.Min, *a.Max))
	}
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

func (c *checker) backend(b Backend) {
	if b.Nodes != nil && *b.Nodes != backendNodes {
		c.fault("backend.nodes", "must be 3, or be left out: a data cluster has three nodes, so that two are left when one is lost")
	}
	if b.Volumes.IDs == nil {
		return
	}
	owner := map[string]string{}
	for _, key := range VolumeKeys() {
		field, id := "backend.volumes."+key, b.Volumes.IDs[key]
		switch {
		case id == "":
			c.fault(field, `is missing; name all six volumes, or write volumes: "retained"`)
		case !uuidForm.MatchString(id):
			c.fault(field, "must be a volume's id")
		case owner[id] != "":
			c.fault(field, "must not be the same volume as "+owner[id])
		}
		owner[id] = key
	}
}

var zoneForm = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+$`)

func (c *checker) network(n Network) {
	switch {
	case n.ID != "" && n.Subnet == "":
		c.fault("network.subnet", "is required with network.id")
	case n.ID == "" && n.Subnet != "":
		c.fault("network.id", "is required with network.subnet")
	case n.ID != "" && n.CIDR != "":
		c.fault("network.cidr", "is for the network that is made when none is given: leave out cidr or id")
	}
	if n.CIDR != "" {
		if p, err := netip.ParsePrefix(n.CIDR); err != nil || !p.Addr().Is4() || p != p.Masked() || p.Bits() > 27 {
			c.fault("network.cidr", "must be an IPv4 network of /27 or larger, e.g. 10.90.0.0/24")
		}
	}
	if n.AdminCIDR != "" {
		p, err := netip.ParsePrefix(n.AdminCIDR)
		switch {
		case err != nil || !p.Addr().Is4() || p != p.Masked():
			c.fault("network.admin_cidr", "must be an IPv4 network, e.g. 192.0.2.0/24, or 192.0.2.7/32 for one machine")
		case p.Bits() == 0:
			c.fault("network.admin_cidr", "must not be the whole world")
		}
	}
	if n.Zone != "" && (len(n.Zone) > 254 || !zoneForm.MatchString(n.Zone)) {
		c.fault("network.zone", "must be a DNS zone that ends with a period, e.g. example.org.")
	}
}

// storage needs all of it or nothing: half of an object store loses uploads without a word.
func (c *checker) storage(s Spec) {
	t := s.Storage
	parts := map[string]bool{
		"storage.endpoint": t.Endpoint != "", "storage.bucket": t.Bucket != "",
		"storage.access_key": t.AccessKey != "", "storage.secret_key": t.SecretKey != "",
	}
	given := slices.Contains(slices.Collect(maps.Values(parts)), true) || t.PublicBucket != "" || t.Make
	keys := t.AccessKey != "" || t.SecretKey != ""
	for _, field := range slices.Sorted(maps.Keys(parts)) {
		key := strings.HasSuffix(field, "_key")
		// Without keys it may be a later request for a site that has them; see CheckNew.
		if given && !parts[field] && (!key || keys) {
			c.fault(field, "is missing; an object store needs endpoint, bucket, access_key and secret_key")
		}
	}
	switch {
	case s.Backup.Bucket == "" && s.Backup.Hour != nil:
		c.fault("backup.bucket", "is missing; it is needed with backup.hour")
	case s.Backup.Bucket == "" && s.Backup.Restore != "":
		c.fault("backup.bucket", "is missing; it is where backup.restore is looked for")
	case s.Backup.Bucket != "" && !given:
		c.fault("storage.endpoint", "is missing; backups go to the object store, so it is needed with backup.bucket")
	}
	c.buckets(s)
	if s.Backup.Restore != "" && (s.Backend.Volumes.Retained || s.Backend.Volumes.IDs != nil) {
		c.fault("backup.restore", "cannot be together with backend.volumes: the volumes have data already")
	}
}

// buckets must be three: all the world may read the public one, and browsers get addresses of what is uploaded.
func (c *checker) buckets(s Spec) {
	t, domain := s.Storage, s.Settings[publicDomain] != nil
	switch dumps := s.Backup.Bucket; {
	case dumps != "" && dumps == t.Bucket:
		c.fault("backup.bucket", "must not be storage.bucket, of whose objects browsers get addresses")
	case dumps != "" && dumps == t.PublicBucket:
		c.fault("backup.bucket", "must not be storage.public_bucket, which all the world may read")
	}
	switch {
	case t.PublicBucket == "" && domain:
		c.fault("settings."+publicDomain, "needs storage.public_bucket: addresses below it have no signature, and all else is private")
	case t.PublicBucket == "":
	case t.PublicBucket == t.Bucket:
		c.fault("storage.public_bucket", "must not be storage.bucket: all the world may read profile pictures, and nothing else")
	case !t.Make && !domain && strings.HasPrefix(strings.ToLower(t.Endpoint), "http:"):
		c.fault("storage.endpoint", "must be https with public_bucket, as browsers load profile pictures from there; or give settings."+publicDomain)
	}
}

// CheckNew lists what only a site that is not there yet must be told.
func CheckNew(s Spec) []Fault {
	var c checker
	if s.Storage.Bucket != "" && s.Storage.AccessKey == "" {
		c.fault("storage.access_key", "is missing; it is needed when the site is made")
	}
	if s.Storage.Bucket != "" && s.Storage.SecretKey == "" {
		c.fault("storage.secret_key", "is missing; it is needed when the site is made")
	}
	return c.faults
}

func (c *checker) balancer(s Spec) {
	if s.LoadBalancer.TLSContainer != "" && s.LoadBalancer.ListenPort != nil && *s.LoadBalancer.ListenPort == 80 {
		c.fault("load_balancer.listen_port", "must not be 80 with tls_container: browsers speak plain HTTP there")
	}
}

func (c *checker) alarm(a Alarm) {
	if a.High != nil && a.Low != nil && *a.Low >= *a.High {
		c.fault("alarm.low", "must be less than alarm.high, or the site grows and shrinks in turn")
	}
	if a.Metric != "" && (a.High == nil || a.Low == nil || a.Aggregation == "") {
		c.fault("alarm.metric", "needs aggregation, high and low of its own: the defaults are for cpu")
	}
}

const maxDuration = 24 * time.Hour

func (c *checker) duration(field, value string) {
	d, err := duration(value)
	least := time.Duration(0)
	if strings.HasSuffix(field, "timeout") && value != "" {
		least = time.Minute
	}
	if err != nil || d < least || d > maxDuration {
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
