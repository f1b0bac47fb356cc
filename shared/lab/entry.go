package lab

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"time"
)

// Entry is a catalogue entry: one kind of lab.
type Entry struct {
	Key, Title   string
	BuildTimeout time.Duration
	Lifetime     time.Duration // from the last launch
	MaxAge       time.Duration // from the creation
	Extend       Extend
	Expected     time.Duration // how long a build takes; zero: unknown
	Attached     bool          // the template attaches volumes
	Ways         []Way
	Plan         []Part
	IdleTimeout  time.Duration // without activity, then it is put to sleep; zero: never
	Grace        time.Duration // for how long a reset can be undone after the new lab had its time to be built
	Warm         int           // so many are kept ready-made
	Ready        Probe         // what it is asked before its learner is shown the way in
	Windows      []Window      // when it may be used in which course; none: always
	Budget       Budget
	Checks       []Check
	Revision     string // of template, files and parameters: eight hex digits
	// Closes is when the use of the lab ends in the course that the entry is meant for (In); zero: never.
	Closes time.Time
	// Late is after how long nine of ten builds are done; zero: unknown.
	Late time.Duration
}

// ProbeKind is how a lab is asked whether it answers.
type ProbeKind string

// The probes. The empty one asks nothing.
const (
	ProbeTCP  ProbeKind = "tcp"  // a connection to the host in the output, at the port
	ProbeHTTP ProbeKind = "http" // an answer below 400 from the address in the output
)

// Probe is what a lab is asked before its learner is shown the way in.
type Probe struct {
	Kind   ProbeKind
	Output string
	Port   int
}

// Extend is what one extension gives, and how many there are for a lab.
type Extend struct {
	By    time.Duration
	Times int
}

// Kind of a way into a lab.
type Kind string

// The ways there are.
const (
	URL     Kind = "url"     // an address to open, from an output
	SSH     Kind = "ssh"     // a host to log in to, from an output
	Console Kind = "console" // a server's screen, from Nova when asked for
)

// Way is a way into a lab as the catalogue describes it: which outputs of the stack, which server.
type Way struct {
	Kind     Kind
	Title    string
	Output   string // url
	Server   string // console: the resource's name
	Host     string // ssh: the output that holds the address
	Key      string // ssh: the output that holds the private key
	User     string // ssh
	Password string // the output that holds a password
}

// Access is a way into a ready lab. It never holds a key or a password: HasKey and HasPassword say that one may be fetched.
type Access struct {
	Way         int    `json:"way"` // its place in the catalogue entry
	Kind        Kind   `json:"kind"`
	Title       string `json:"title"`
	URL         string `json:"url,omitempty"`
	Host        string `json:"host,omitempty"`
	User        string `json:"user,omitempty"`
	HasKey      bool   `json:"has_key,omitempty"`
	HasPassword bool   `json:"has_password,omitempty"`
}

// Part is one resource of the lab's template, and the step that it belongs to.
type Part struct {
	Resource string
	Step     StepKey
	// Optional resources have a condition: they count only once Heat has begun with them.
	Optional bool
}

// accesses are the ways that the outputs open. An output is a template author's text: what is no web address and no host
// is left out, so that nothing else ever gets into a link.
func (e Entry) accesses(outputs map[string]any) []Access {
	list := []Access{}
	for i, w := range e.Ways {
		a := Access{Way: i, Kind: w.Kind, Title: w.Title}
		switch w.Kind {
		case URL:
			a.URL = webAddress(text(outputs[w.Output]))
			if a.URL == "" {
				continue
			}
		case SSH:
			a.Host, a.User = hostName(text(outputs[w.Host])), w.User
			if a.Host == "" {
				continue
			}
			a.HasKey = w.Key != "" && text(outputs[w.Key]) != ""
		case Console:
		default:
			continue
		}
		a.HasPassword = w.Password != "" && text(outputs[w.Password]) != ""
		list = append(list, a)
	}
	return list
}

// PrivateKey is the key of the entry's way number way, if it has one and the stack put one out.
func (e Entry) PrivateKey(way int, outputs map[string]any) (string, bool) {
	if way < 0 || way >= len(e.Ways) || e.Ways[way].Kind != SSH || e.Ways[way].Key == "" {
		return "", false
	}
	key := text(outputs[e.Ways[way].Key])
	return key, key != ""
}

// PasswordOf is the password of the entry's way number way, if it has one and the stack put one out.
func (e Entry) PasswordOf(way int, outputs map[string]any) (string, bool) {
	if way < 0 || way >= len(e.Ways) || e.Ways[way].Password == "" {
		return "", false
	}
	password := text(outputs[e.Ways[way].Password])
	return password, password != ""
}

func text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

func webAddress(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		return ""
	}
	return u.String()
}

// IsWebAddress says whether raw may stand in a link: an absolute http or https address without a password in it.
func IsWebAddress(raw string) bool { return webAddress(raw) != "" }

var hostPattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$`)

func hostName(raw string) string {
	if _, err := netip.ParseAddr(raw); err == nil || hostPattern.MatchString(raw) {
		return raw
	}
	return ""
}
