package site

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// Export is all that makes a site, without its secrets: what POST import makes it again of.
type Export struct {
	Kind    string `json:"kind"` // ExportKind
	Version int    `json:"version"`
	Name    string `json:"name"`
	Stack   string `json:"stack"` // its id
	// Exported is when, in RFC 3339.
	Exported string `json:"exported"`
	// Template is the digest of what the site was made from.
	Template string `json:"template"`
	// Parameters are those of the stack that a Spec comes to, as Heat prints them.
	Parameters map[string]string `json:"parameters"`
	Alarms     bool              `json:"alarms"`
	// Volumes are the ids of the data's volumes, by VolumeKeys.
	Volumes map[string]string `json:"volumes"`
	// Secrets says where each is kept, and none of them.
	Secrets []Reference `json:"secrets"`
}

// What an Export says of itself.
const (
	ExportKind    = "stackhook-site"
	ExportVersion = 1
)

// ExportOf is the export of a site. Time and stack are the caller's.
func ExportOf(name string, h Have, volumes map[string]string) Export {
	e := Export{
		Kind: ExportKind, Version: ExportVersion, Name: name, Template: stateIn(h.Parameters).Template, Alarms: stateIn(h.Parameters).URLs != "",
		Parameters: map[string]string{}, Volumes: volumes, Secrets: References(h.Parameters),
	}
	for _, parameter := range exported() {
		if value, there := h.Parameters[parameter]; there {
			e.Parameters[parameter] = value
		}
	}
	return e
}

// exported are the parameters that a Spec comes to, and where scaling has taken the nodes.
func exported() []string {
	plain := Want{Spec: Spec{}.Fill(Defaults{}), Template: Template{}}
	return append(slices.Sorted(maps.Keys(plain.settings())), "app_count")
}

// Faults of an export that cannot be one of ours, whoever signed it.
func (e Export) Faults() []Fault {
	if e.Kind != ExportKind || e.Version != ExportVersion {
		return []Fault{{"export.site.version", "is not one that this release reads; export the site again."}}
	}
	return nil
}

// Spec is what an operator would ask for to get this site. The load balancer is what the cloud has.
func (e Export) Spec() Spec {
	p := e.Parameters
	external := p["external_network"]
	s := Spec{
		Hosts:   Hosts{LMS: p["lms_host"], Studio: p["studio_host"], MFE: p["mfe_host"], Search: p["search_host"]},
		Release: p["release"], PlatformName: p["platform_name"], ContactEmail: p["contact_email"], KeyName: p["key_name"],
		App: App{
			Image: p["app_image"], Flavor: p["app_flavor"], Nodes: wholeIn(p, "app_count"), Min: wholeIn(p, "app_min"), Max: wholeIn(p, "app_max"),
			Timeout: secondsIn(p, "app_timeout"),
		},
		Backend: Backend{
			Image: p["backend_image"], Flavor: p["backend_flavor"], Affinity: p["backend_affinity"], Timeout: secondsIn(p, "backend_timeout"),
			MySQLGB: wholeIn(p, "mysql_size"), MongoDBGB: wholeIn(p, "mongodb_size"), VolumeType: p["volume_type"],
		},
		Network:      Network{ID: p["network"], Subnet: p["subnet"], External: &external, AdminCIDR: p["admin_cidr"], Zone: p["dns_zone"]},
		LoadBalancer: LoadBalancer{Kind: KindAuto, ListenPort: wholeIn(p, "listen_port"), TLSContainer: p["tls_container"]},
		Storage:      Storage{Endpoint: p["s3_endpoint"], Region: p["s3_region"], Bucket: p["s3_bucket"], PublicBucket: p["s3_public_bucket"]},
		Backup:       Backup{Bucket: p["backup_bucket"]},
		Alarm: Alarm{
			Off: !e.Alarms, Metric: p["alarm_metric"], Aggregation: p["alarm_aggregation"], Granularity: wholeIn(p, "alarm_granularity"),
			Periods: wholeIn(p, "alarm_periods"), High: numberIn(p, "alarm_high"), Low: numberIn(p, "alarm_low"),
		},
		Cooldowns: Cooldowns{Out: secondsIn(p, "cooldown_out"), In: secondsIn(p, "cooldown_in")},
	}
	s.Storage.Make, _ = strconv.ParseBool(p["makes_buckets"])
	if s.Backend.VolumeType == "__DEFAULT__" { // the cloud's own ordinary one, which it may not list
		s.Backend.VolumeType = ""
	}
	if s.Network.ID == "" {
		s.Network.CIDR = p["cidr"]
	}
	if s.Backup.Bucket != "" {
		s.Backup.Hour = wholeIn(p, "backup_hour")
	}
	if json.Unmarshal([]byte(p["settings"]), &s.Settings) != nil || len(s.Settings) == 0 {
		s.Settings = nil
	}
	return s
}

func numberIn(p map[string]string, name string) *float64 {
	f, err := strconv.ParseFloat(p[name], 64)
	if err != nil {
		return nil
	}
	return &f
}

// wholeIn reads a number that Heat may print as 80.0.
func wholeIn(p map[string]string, name string) *int {
	f := numberIn(p, name)
	if f == nil {
		return nil
	}
	n := int(*f)
	return &n
}

func secondsIn(p map[string]string, name string) string {
	n := wholeIn(p, name)
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n) + "s"
}
