package site

// Spec is what an operator asks for, in YAML or JSON. The host name of the LMS, the contact address, the images and the
// flavors are required, the latter unless the configuration has them; everything else has a default.
type Spec struct {
	Hosts        Hosts        `json:"hosts"`
	Release      string       `json:"release" validate:"omitempty,oneof=sumac teak ulmo"`
	PlatformName string       `json:"platform_name" validate:"max=100,omitempty,oneline"`
	ContactEmail string       `json:"contact_email" validate:"required,email,oneline"`
	KeyName      string       `json:"key_name" validate:"max=255,omitempty,oneline"`
	App          App          `json:"app"`
	Backend      Backend      `json:"backend"`
	Network      Network      `json:"network"`
	LoadBalancer LoadBalancer `json:"load_balancer"`
	Storage      Storage      `json:"storage"`
	Backup       Backup       `json:"backup"`
	Alarm        Alarm        `json:"alarm"`
	Cooldowns    Cooldowns    `json:"cooldowns"`
	// Settings are further settings of Tutor's; allowedSettings says which.
	Settings map[string]any `json:"settings"`
}

// Hosts are the names under which browsers reach the site. What is left out goes below the LMS's name.
type Hosts struct {
	LMS    string `json:"lms" validate:"required,max=200,fullhost"`
	Studio string `json:"studio" validate:"omitempty,max=253,fullhost"`
	MFE    string `json:"mfe" validate:"omitempty,max=253,fullhost"`
	Search string `json:"search" validate:"omitempty,max=253,fullhost"`
}

// App are the application nodes.
type App struct {
	Image  string `json:"image" validate:"required,max=255,oneline"`
	Flavor string `json:"flavor" validate:"required,max=255,oneline"`
	// Nodes is the number to start with, or to go to when it differs from the last one asked for.
	Nodes *int `json:"nodes" validate:"omitempty,min=1,max=200"`
	Min   *int `json:"min" validate:"omitempty,min=1,max=200"`
	Max   *int `json:"max" validate:"omitempty,min=1,max=200"`
	// Timeout is how long a node may take to be ready.
	Timeout string `json:"timeout"`
}

// Backend are the three data nodes and their volumes.
type Backend struct {
	Image    string `json:"image" validate:"required,max=255,oneline"`
	Flavor   string `json:"flavor" validate:"required,max=255,oneline"`
	Affinity string `json:"affinity" validate:"omitempty,oneof=hard soft"`
	// Nodes may be said, and is three: fewer have no majority left when one is lost, more only write slower.
	Nodes      *int   `json:"nodes"`
	MySQLGB    *int   `json:"mysql_gb" validate:"omitempty,min=5,max=16384"`
	MongoDBGB  *int   `json:"mongodb_gb" validate:"omitempty,min=5,max=16384"`
	VolumeType string `json:"volume_type" validate:"max=255,omitempty,oneline"`
	// Volumes are those of a site that was deleted, to be taken over.
	Volumes Volumes `json:"volumes"`
	Timeout string  `json:"timeout"`
}

// Network is where the nodes are: a network that is there, or one that is made for the site.
type Network struct {
	ID     string `json:"id" validate:"max=255,omitempty,oneline"`
	Subnet string `json:"subnet" validate:"max=255,omitempty,oneline"`
	CIDR   string `json:"cidr"`
	// External gives the floating IP; "" for none, where the configuration has a default.
	External *string `json:"external" validate:"omitempty,max=255,oneline"`
	// AdminCIDR may reach the nodes by SSH. Without it nobody may.
	AdminCIDR string `json:"admin_cidr"`
	// Zone is a zone of Designate's to write the host names to; it ends with a period.
	Zone string `json:"zone"`
}

// LoadBalancer is what stands before the application nodes.
type LoadBalancer struct {
	Kind       string `json:"kind" validate:"omitempty,oneof=auto octavia lbaasv2"`
	ListenPort *int   `json:"listen_port" validate:"omitempty,min=1,max=65535"`
	// TLSContainer is Barbican's reference of the certificate. Without it the site speaks plain HTTP.
	TLSContainer string `json:"tls_container" validate:"omitempty,max=512,http_url,oneline"`
}

// Storage is the object store of uploads, by the S3 protocol. Without a bucket they stay on the node that took them.
type Storage struct {
	Endpoint string `json:"endpoint" validate:"omitempty,max=255,http_url,oneline"`
	Region   string `json:"region" validate:"omitempty,max=64,unreserved"`
	// Bucket is private: browsers get addresses that are signed and end.
	Bucket string `json:"bucket" validate:"omitempty,bucket"`
	// PublicBucket has learners' profile pictures and nothing else: Open edX gives their addresses without a signature.
	PublicBucket string `json:"public_bucket" validate:"omitempty,bucket"`
	// Make has the site make its buckets as Swift's containers, the public one with the rule that all may read it.
	Make      bool   `json:"make"`
	AccessKey Secret `json:"access_key" validate:"omitempty,min=3,max=128,plainsecret"`
	SecretKey Secret `json:"secret_key" validate:"omitempty,min=8,max=256,plainsecret"`
}

// Backup is where dumps go, each day.
type Backup struct {
	Bucket string `json:"bucket" validate:"omitempty,bucket"`
	Hour   *int   `json:"hour" validate:"omitempty,min=0,max=23"` // UTC
	// Restore is a dump's name: the first start of the new site's empty data nodes reads it. Later it does nothing.
	Restore string `json:"restore" validate:"omitempty,max=128,backupname"`
}

// Alarm says when the site scales by itself.
type Alarm struct {
	// Off makes no alarms: for a cloud without Aodh, or a site that only people scale.
	Off         bool     `json:"off"`
	Metric      string   `json:"metric" validate:"max=255,omitempty,oneline"`
	Aggregation string   `json:"aggregation" validate:"max=64,omitempty,oneline"`
	Granularity *int     `json:"granularity" validate:"omitempty,min=1,max=86400"` // seconds
	Periods     *int     `json:"periods" validate:"omitempty,min=1,max=100"`
	High        *float64 `json:"high"`
	Low         *float64 `json:"low"`
}

// Cooldowns are how long alarms must wait after a change of size.
type Cooldowns struct {
	Out string `json:"out"`
	In  string `json:"in"`
}

// Secret is a value that a caller gives and nobody is shown.
type Secret string

// String keeps it out of everything printed.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// GoString is String, for %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText is String, for logs and answers.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Reveal is the value itself.
func (s Secret) Reveal() string { return string(s) }

// Defaults fill what a Spec leaves out.
type Defaults struct {
	AppImage, AppFlavor, BackendImage, BackendFlavor, ExternalNetwork string
}

// Defaults of the package's own.
const (
	defaultMin       = 1
	defaultMax       = 4
	mostNodes        = 200 // as the template has it
	defaultRelease   = "ulmo"
	defaultMySQL     = 20 // GB
	defaultMongoDB   = 20 // GB
	defaultAffinity  = "hard"
	defaultPlatform  = "Open edX"
	backendNodes     = 3
	volumesOfBackend = 6
)

// Fill puts defaults where the Spec says nothing.
func (s Spec) Fill(d Defaults) Spec {
	s.App.Image, s.App.Flavor = or(s.App.Image, d.AppImage), or(s.App.Flavor, d.AppFlavor)
	s.Backend.Image, s.Backend.Flavor = or(s.Backend.Image, d.BackendImage, d.AppImage), or(s.Backend.Flavor, d.BackendFlavor)
	s.Backend.Affinity, s.Release, s.PlatformName = or(s.Backend.Affinity, defaultAffinity), or(s.Release, defaultRelease), or(s.PlatformName, defaultPlatform)
	s.LoadBalancer.Kind = or(s.LoadBalancer.Kind, KindAuto)
	if s.Storage.Make && s.Storage.Bucket != "" {
		s.Storage.PublicBucket = or(s.Storage.PublicBucket, s.Storage.Bucket+"-public")
	}
	if s.Network.External == nil {
		s.Network.External = &d.ExternalNetwork
	}
	s.Backend.MySQLGB, s.Backend.MongoDBGB = filled(s.Backend.MySQLGB, defaultMySQL), filled(s.Backend.MongoDBGB, defaultMongoDB)
	if s.Hosts.LMS != "" {
		s.Hosts.Studio = or(s.Hosts.Studio, "studio."+s.Hosts.LMS)
		s.Hosts.MFE = or(s.Hosts.MFE, "apps."+s.Hosts.LMS)
		s.Hosts.Search = or(s.Hosts.Search, "search."+s.Hosts.LMS)
	}
	low, high := s.App.bounds()
	s.App.Min, s.App.Max = &low, &high
	return s
}

// bounds are those of the Spec, with defaults that fit what was given.
func (a App) bounds() (low, high int) {
	low = defaultMin
	if a.Min != nil {
		low = *a.Min
	} else if a.Nodes != nil && *a.Nodes >= 1 {
		low = min(low, *a.Nodes)
	}
	if a.Max != nil {
		return low, *a.Max
	}
	high = max(defaultMax, min(low, mostNodes))
	if a.Nodes != nil {
		high = max(high, min(*a.Nodes, mostNodes))
	}
	return low, high
}

func filled(value *int, otherwise int) *int {
	if value != nil {
		return value
	}
	return &otherwise
}

// or is the first text that is not empty.
func or(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}
