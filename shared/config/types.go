package config

import "time"

// Config is the one configuration file. Every field's yaml name is part of the contract.
type Config struct {
	PublicURL string    `yaml:"public_url" validate:"required,http_url"`
	NamingKey Secret    `yaml:"naming_key" validate:"omitempty,min=32"` // needed with labs only
	SealKeys  []SealKey `yaml:"seal_keys" validate:"required,min=1,max=2,unique=ID,dive"`
	// Store remembers what was seen: memory, or the address of a Redis, such as rediss://redis.example.org:6379/0.
	Store         string             `yaml:"store" validate:"required"`
	StorePassword Secret             `yaml:"store_password"`
	Replicas      int                `yaml:"replicas" validate:"min=1"`
	Clouds        []Cloud            `yaml:"clouds" validate:"dive"`
	TemplatesDir  string             `yaml:"templates_dir" validate:"omitempty,dir"`
	LTI           LTI                `yaml:"lti"`
	Labs          map[string]Lab     `yaml:"labs" validate:"dive,keys,labkey,endkeys"`
	Tend          Tend               `yaml:"tend"`
	Clusters      map[string]Cluster `yaml:"clusters" validate:"dive,keys,stackname,endkeys"`
	Sites         Sites              `yaml:"sites"`
	API           API                `yaml:"api"`
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
	// MaxBuilds is how many labs may be under construction at once; who comes then waits in line. 0 = any number.
	MaxBuilds int `yaml:"max_builds" validate:"min=0"`
	// MaxStacks is Heat's bound for the project (max_stacks_per_tenant of heat.conf), which no API tells.
	MaxStacks int `yaml:"max_stacks" validate:"min=0"`
	// Quota makes every new lab look at what the project has left before it is begun.
	Quota bool `yaml:"quota"`
}

// Tend is how tend-labs goes about its work.
type Tend struct {
	Rate     int `yaml:"rate" validate:"min=1,max=100"`    // changes a second for each cloud
	Parallel int `yaml:"parallel" validate:"min=1,max=32"` // changes under way at once for each cloud
}

// LTI lists who may launch.
type LTI struct {
	Consumers []Consumer `yaml:"consumers" validate:"unique=Key,dive"`
	Platforms []Platform `yaml:"platforms" validate:"dive"`
	// PlatformsDir holds further platforms, one YAML file each; registrations are written to it.
	PlatformsDir string         `yaml:"platforms_dir"`
	ToolKeys     ToolKeys       `yaml:"tool_keys"`
	Registration []Registration `yaml:"registration" validate:"unique=Issuer,dive"`
}

// Consumer is an LTI 1.1 tool consumer: one tenant.
type Consumer struct {
	Key    string `yaml:"key" validate:"required,max=128,unreserved"`
	Secret Secret `yaml:"secret" validate:"required,min=32,excludes=:"`
	// Tenant is the name under which its labs are kept; the key if empty. Two entries with one tenant share the labs of
	// learners whom both call the same.
	Tenant           string   `yaml:"tenant" validate:"max=128"`
	Labs             []string `yaml:"labs" validate:"required,min=1"` // keys of labs; the first is the default
	FrameAncestors   []string `yaml:"frame_ancestors" validate:"dive,http_url"`
	OutcomeHosts     []string `yaml:"outcome_hosts" validate:"dive,hostname_port|hostname"`
	Instructors      bool     `yaml:"instructors"`
	SignatureMethods []string `yaml:"signature_methods" validate:"min=1,unique,dive,oneof=HMAC-SHA1 HMAC-SHA256"`
}

// Platform is an LTI 1.3 platform's registration: one tenant. Open edX makes one for each block, or one for the site with
// its LTI store.
type Platform struct { //nolint:recvcheck // only its defaults are set in place
	Issuer      string   `yaml:"issuer" validate:"required,max=255"` // compared byte for byte
	ClientID    string   `yaml:"client_id" validate:"required,max=255"`
	Deployments []string `yaml:"deployments" validate:"required,min=1,unique,dive,required,max=255"`
	AuthURL     string   `yaml:"auth_url" validate:"required,http_url"`
	TokenURL    string   `yaml:"token_url" validate:"omitempty,http_url"`
	JWKSURL     string   `yaml:"jwks_url" validate:"required,http_url"`
	// Tenant is the name under which its labs are kept; issuer and client id if empty. See Consumer.Tenant.
	Tenant         string   `yaml:"tenant" validate:"max=128"`
	Labs           []string `yaml:"labs" validate:"required,min=1"` // keys of labs; the first is the default
	FrameAncestors []string `yaml:"frame_ancestors" validate:"dive,http_url"`
	// GradeHosts are where scores may be sent besides the host of token_url, as host or host:port.
	GradeHosts  []string `yaml:"grade_hosts" validate:"dive,hostname_port|hostname"`
	Instructors bool     `yaml:"instructors"`
	Algorithms  []string `yaml:"algorithms" validate:"min=1,unique,dive,oneof=RS256 RS384 RS512"`
}

// ToolKeys are our own RSA keys, as PEM. Current signs; all of them are in our key set, so that platforms know the next
// one before it signs, and the previous one for as long as they may hold something that it signed.
type ToolKeys struct {
	Current  Secret `yaml:"current"`
	Next     Secret `yaml:"next"`
	Previous Secret `yaml:"previous"`
}

// Registration lets a platform register itself (LTI Dynamic Registration), and says what it gets.
type Registration struct {
	Issuer         string   `yaml:"issuer" validate:"required,http_url"`
	Labs           []string `yaml:"labs" validate:"required,min=1"`
	FrameAncestors []string `yaml:"frame_ancestors" validate:"dive,http_url"`
	Instructors    bool     `yaml:"instructors"`
}

// Lab is a catalogue entry.
type Lab struct {
	Title        string            `yaml:"title" validate:"required,max=200"`
	Description  string            `yaml:"description" validate:"max=2000"`
	Picture      string            `yaml:"picture"`                        // an SVG, PNG or JPEG file beside the templates
	ExpectedTime time.Duration     `yaml:"expected_time" validate:"min=0"` // of a build, until some were seen
	Cost         string            `yaml:"cost" validate:"max=100"`        // in words, such as 0.04 EUR an hour
	Template     string            `yaml:"template" validate:"required"`
	Parameters   map[string]string `yaml:"parameters"`
	BuildTimeout time.Duration     `yaml:"build_timeout" validate:"min=0"`
	IdleTimeout  time.Duration     `yaml:"idle_timeout" validate:"min=0"`
	Lifetime     time.Duration     `yaml:"lifetime" validate:"min=0"`
	MaxAge       time.Duration     `yaml:"max_age" validate:"min=0"`
	Extend       Extend            `yaml:"extend"`
	Access       []Access          `yaml:"access" validate:"dive"`
	// Warm is how many labs are kept ready-made in the first cloud, for learners to be given at once.
	Warm int `yaml:"warm" validate:"min=0,max=200"`
	// Ready is what a lab is asked before its learner is shown the way in.
	Ready Ready `yaml:"ready"`
	// Grace is how long the old lab is kept after a reset, so that the learner may go back to it.
	Grace   time.Duration `yaml:"reset_grace" validate:"min=0"`
	Windows []Window      `yaml:"windows" validate:"dive"`
	Budget  Budget        `yaml:"budget"`
	Checks  []Check       `yaml:"checks" validate:"unique=Name,dive"`
}

// Ready is a probe from the function: a TCP connection, or an HTTP request whose answer is below 400.
type Ready struct {
	Kind   string `yaml:"kind" validate:"omitempty,oneof=tcp http"` // empty: none
	Output string `yaml:"output" validate:"required_with=Kind"`     // tcp: holds a host; http: an address
	Port   int    `yaml:"port" validate:"required_if=Kind tcp,min=0,max=65535"`
}

// Window is when a lab may be used in one course. A lab with windows is closed in every course that has none.
type Window struct {
	Tenant  string `yaml:"tenant" validate:"required,max=255"`  // as its labs are kept: see Consumer.Tenant
	Context string `yaml:"context" validate:"required,max=255"` // the course's id as the platform sends it
	Start   string `yaml:"start" validate:"omitempty,datetime=2006-01-02T15:04:05Z07:00"`
	End     string `yaml:"end" validate:"omitempty,datetime=2006-01-02T15:04:05Z07:00"`
}

// Budget is how long one learner may have the lab running, in all, in so much time.
type Budget struct {
	Time   time.Duration `yaml:"time" validate:"min=0"` // 0 = any
	Per    time.Duration `yaml:"per" validate:"min=0"`
	Action string        `yaml:"action" validate:"oneof=warn block"`
}

// Check is one thing that is graded: the share of checks that passed, by their weights, is the score. The lab reports it
// itself (kind report), or tend-labs runs a script on it (kind ssh).
type Check struct {
	Name   string `yaml:"name" validate:"required,labkey"`
	Title  string `yaml:"title" validate:"max=200"`
	Kind   string `yaml:"kind" validate:"oneof=report ssh"`
	Weight int    `yaml:"weight" validate:"min=1,max=1000"`
	Script string `yaml:"script" validate:"required_if=Kind ssh"` // a file beside the templates
	Host   string `yaml:"host" validate:"required_if=Kind ssh"`   // the output that holds the address
	User   string `yaml:"user" validate:"required_if=Kind ssh"`
	// HostKey is the output that holds the machine's public host key; without a match nothing is run.
	HostKey string `yaml:"host_key" validate:"required_if=Kind ssh"`
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
	// Key is the output that holds a private key, or the word made: then a key of the learner's own is made, whose public
	// half goes to the template's parameter public_key.
	Key  string `yaml:"key"`
	User string `yaml:"user" validate:"required_if=Kind ssh"`
	// Password is the output that holds a password for this way in; it is shown when asked for.
	Password string `yaml:"password"`
}

// Cluster is an application cluster that may be scaled.
type Cluster struct { //nolint:recvcheck // only its defaults are set in place
	Stack       string        `yaml:"stack" validate:"stackname"` // default: the cluster's own name
	Min         int           `yaml:"min" validate:"min=1"`
	Max         int           `yaml:"max" validate:"gtefield=Min"`
	CooldownOut time.Duration `yaml:"cooldown_out" validate:"min=0"`
	CooldownIn  time.Duration `yaml:"cooldown_in" validate:"min=0"`
	// Stabilization is how long a wish for more nodes keeps alarms from taking some away.
	Stabilization time.Duration `yaml:"stabilization" validate:"min=0"`
	StepsOut      []Step        `yaml:"steps_out" validate:"unique=At,dive"`
	StepsIn       []Step        `yaml:"steps_in" validate:"unique=At,dive"`
	MaxStep       int           `yaml:"max_step" validate:"min=0"`               // 0 = any
	MaxInPercent  int           `yaml:"max_in_percent" validate:"min=0,max=100"` // of the nodes at once; 0 = any
	StepsPerHour  int           `yaml:"steps_per_hour" validate:"min=0,max=15"`  // by alarms; 0 = any
	NodeHours     int           `yaml:"node_hours" validate:"min=0"`             // that alarms may let it use within 24 hours; 0 = any
	ReadyTimeout  time.Duration `yaml:"ready_timeout" validate:"min=0"`          // for new nodes to come into service; 0 = alarms do not wait
	// StuckTimeout is how long Heat may be at work on one update before it is sent again: an engine that dies leaves its
	// update in progress for ever. 0 = never.
	StuckTimeout time.Duration `yaml:"stuck_timeout" validate:"min=0"`
	HealthyShare int           `yaml:"healthy_percent" validate:"min=0,max=100"` // of the nodes must be in service to take some away
	Victims      string        `yaml:"victims" validate:"oneof=oldest newest"`
	Drain        Drain         `yaml:"drain"`
	// IntentLife is how long a request that comes while the cluster is being changed is kept, to be made afterwards.
	IntentLife time.Duration `yaml:"intent_life" validate:"min=0"` // 0 = it is not
	Quota      bool          `yaml:"quota"`                        // look at Nova's before growing
	Lease      bool          `yaml:"lease"`                        // one writer at a time, by key pairs in Nova
	Schedules  []Schedule    `yaml:"schedules" validate:"unique=Name,dive"`
	Auth       []Auth        `yaml:"auth" validate:"dive"`
}

// Step says how many nodes an alarm adds or removes from one value of its measure on.
type Step struct {
	At int `yaml:"at"`
	By int `yaml:"by" validate:"min=1"`
}

// Drain is how nodes leave: without new connections first, for so long. 0 removes them at once.
type Drain struct {
	Timeout time.Duration `yaml:"timeout" validate:"min=0"`
	// Sticky is how long a pool with session persistence may go on sending a node the clients it knows; 0 = half of Timeout.
	Sticky time.Duration `yaml:"sticky" validate:"min=0"`
	// SessionsURL is a PROMETHEUS listener of the load balancer: a node without sessions goes before Timeout, but not
	// before Min.
	SessionsURL string        `yaml:"sessions_url" validate:"omitempty,http_url"`
	Min         time.Duration `yaml:"min" validate:"min=0"`
	Hook        Hook          `yaml:"hook"`
}

// Hook is asked before a drained node is removed. Without its word the node goes Deadline after the end of its drain.
type Hook struct {
	URL      string        `yaml:"url" validate:"omitempty,http_url"`
	Secret   Secret        `yaml:"secret" validate:"required_with=URL,omitempty,min=32"`
	Timeout  time.Duration `yaml:"timeout" validate:"gt=0"` // of one request
	Deadline time.Duration `yaml:"deadline" validate:"min=0"`
}

// Schedule gives a cluster other bounds from each time that crontab(5) would start something, for so long. The first one
// that applies counts.
type Schedule struct {
	Name   string        `yaml:"name" validate:"required,max=40"`
	Start  string        `yaml:"start" validate:"required"` // five fields of crontab(5)
	Zone   string        `yaml:"zone"`                      // such as Europe/Berlin; UTC if empty
	Length time.Duration `yaml:"length" validate:"gt=0"`
	Min    int           `yaml:"min" validate:"min=0"` // 0 = the cluster's own
	Max    int           `yaml:"max" validate:"min=0"`
}

// Auth is one credential an alarm may present for a cluster.
type Auth struct {
	Kind     string `yaml:"kind" validate:"required,oneof=basic bearer mtls"`
	User     string `yaml:"user" validate:"required_if=Kind basic"`
	Password Secret `yaml:"password" validate:"required_if=Kind basic"`
	Token    Secret `yaml:"token" validate:"required_if=Kind bearer"`
	// Header is where the proxy in front writes the subject of the client certificate that it has checked, and takes away
	// whatever a client has written there itself. The functions must be reachable through that proxy alone.
	Header  string `yaml:"header" validate:"required_if=Kind mtls"`
	Subject string `yaml:"subject" validate:"required_if=Kind mtls"`
}

// Sites holds what every site starts from.
type Sites struct {
	Defaults SiteDefaults `yaml:"defaults"`
	// Notify are told what became of sites.
	Notify []Notify `yaml:"notify" validate:"dive"`
}

// Notify is somebody who is told what became of sites, by requests that are signed with the secret.
type Notify struct {
	URL    string `yaml:"url" validate:"required,http_url"`
	Secret Secret `yaml:"secret" validate:"required,min=32"`
}

// SiteDefaults fills what a site's spec leaves out.
type SiteDefaults struct {
	Image           string `yaml:"image"`
	AppFlavor       string `yaml:"app_flavor"`
	BackendImage    string `yaml:"backend_image"` // image if empty
	BackendFlavor   string `yaml:"backend_flavor"`
	ExternalNetwork string `yaml:"external_network"`
}

// API lists the bearer tokens of people and CI.
type API struct {
	Tokens []APIToken `yaml:"tokens" validate:"unique=Name,dive"`
}

// APIToken is one caller of scale-cluster, deploy-site and tend-labs, or of launch-lab's metrics.
type APIToken struct {
	Name  string   `yaml:"name" validate:"required"`
	Token Secret   `yaml:"token" validate:"required,min=32"`
	May   []string `yaml:"may" validate:"required,min=1,dive,oneof=sites clusters labs metrics"`
}
