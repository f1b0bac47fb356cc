package config

import "time"

// Config is the one configuration file. Every field's yaml name is part of the contract.
type Config struct {
	PublicURL    string             `yaml:"public_url" validate:"required,http_url"`
	NamingKey    Secret             `yaml:"naming_key" validate:"omitempty,min=32"` // needed with labs only
	SealKeys     []SealKey          `yaml:"seal_keys" validate:"required,min=1,max=2,unique=ID,dive"`
	Store        string             `yaml:"store" validate:"oneof=memory"`
	Replicas     int                `yaml:"replicas" validate:"min=1,max=1"`
	Clouds       []Cloud            `yaml:"clouds" validate:"dive"`
	TemplatesDir string             `yaml:"templates_dir" validate:"omitempty,dir"`
	LTI          LTI                `yaml:"lti"`
	Labs         map[string]Lab     `yaml:"labs" validate:"dive,keys,labkey,endkeys"`
	Clusters     map[string]Cluster `yaml:"clusters" validate:"dive,keys,stackname,endkeys"`
	Sites        Sites              `yaml:"sites"`
	API          API                `yaml:"api"`
}

// SealKey seals tickets and signs URLs. The first of the list seals; all of it opens.
type SealKey struct {
	ID     string `yaml:"id" validate:"required,max=32,unreserved"`
	Secret Secret `yaml:"secret" validate:"required,min=32"`
}

// Cloud is an entry of clouds.yaml that may be used. Without any, the OS_* variables say which.
type Cloud struct {
	Name     string `yaml:"name" validate:"required"`
	Capacity int    `yaml:"capacity" validate:"min=0"` // in labs; 0 = unlimited
}

// LTI lists who may launch.
type LTI struct {
	Consumers []Consumer `yaml:"consumers" validate:"unique=Key,dive"`
}

// Consumer is an LTI 1.1 tool consumer: one tenant.
type Consumer struct {
	Key            string   `yaml:"key" validate:"required,max=128,unreserved"`
	Secret         Secret   `yaml:"secret" validate:"required,min=32,excludes=:"`
	Labs           []string `yaml:"labs" validate:"required,min=1"` // keys of labs; the first is the default
	FrameAncestors []string `yaml:"frame_ancestors" validate:"dive,http_url"`
	OutcomeHosts   []string `yaml:"outcome_hosts" validate:"dive,hostname_port|hostname"`
	Instructors    bool     `yaml:"instructors"`
}

// Lab is a catalogue entry.
type Lab struct {
	Title        string            `yaml:"title" validate:"required,max=200"`
	Template     string            `yaml:"template" validate:"required"`
	Parameters   map[string]string `yaml:"parameters"`
	BuildTimeout time.Duration     `yaml:"build_timeout" validate:"min=0"`
	IdleTimeout  time.Duration     `yaml:"idle_timeout" validate:"min=0"`
	Lifetime     time.Duration     `yaml:"lifetime" validate:"min=0"`
	MaxAge       time.Duration     `yaml:"max_age" validate:"min=0"`
	Extend       Extend            `yaml:"extend"`
	Access       []Access          `yaml:"access" validate:"dive"`
}

// Extend is what one extension gives and how many there are.
type Extend struct {
	By    time.Duration `yaml:"by" validate:"min=0"`
	Times int           `yaml:"times" validate:"min=0"`
}

// Access is one way into a ready lab.
type Access struct {
	Kind   string `yaml:"kind" validate:"required,oneof=url console ssh"`
	Title  string `yaml:"title"`
	Output string `yaml:"output" validate:"required_if=Kind url"`
	Server string `yaml:"server" validate:"required_if=Kind console"`
	Host   string `yaml:"host" validate:"required_if=Kind ssh"`
	Key    string `yaml:"key"`
	User   string `yaml:"user" validate:"required_if=Kind ssh"`
}

// Cluster is an application cluster that may be scaled.
type Cluster struct {
	Stack       string        `yaml:"stack" validate:"stackname"` // default: the cluster's own name
	Min         int           `yaml:"min" validate:"min=1"`
	Max         int           `yaml:"max" validate:"gtefield=Min"`
	CooldownOut time.Duration `yaml:"cooldown_out" validate:"min=0"`
	CooldownIn  time.Duration `yaml:"cooldown_in" validate:"min=0"`
	Auth        []Auth        `yaml:"auth" validate:"dive"`
}

// Auth is one credential an alarm may present for a cluster.
type Auth struct {
	Kind     string `yaml:"kind" validate:"required,oneof=basic bearer"`
	User     string `yaml:"user" validate:"required_if=Kind basic"`
	Password Secret `yaml:"password" validate:"required_if=Kind basic"`
	Token    Secret `yaml:"token" validate:"required_if=Kind bearer"`
}

// Sites holds what every site starts from.
type Sites struct {
	Defaults SiteDefaults `yaml:"defaults"`
}

// SiteDefaults fills what a site's spec leaves out.
type SiteDefaults struct {
	Image           string `yaml:"image"`
	AppFlavor       string `yaml:"app_flavor"`
	BackendFlavor   string `yaml:"backend_flavor"`
	ExternalNetwork string `yaml:"external_network"`
}

// API lists the bearer tokens of people and CI.
type API struct {
	Tokens []APIToken `yaml:"tokens" validate:"unique=Name,dive"`
}

// APIToken is one caller of scale-cluster and deploy-site.
type APIToken struct {
	Name  string   `yaml:"name" validate:"required"`
	Token Secret   `yaml:"token" validate:"required,min=32"`
	May   []string `yaml:"may" validate:"required,min=1,dive,oneof=sites clusters"`
}
