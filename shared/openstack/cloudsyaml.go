package openstack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// entry is a cloud as clouds.yaml writes it (https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html).
type entry struct {
	Profile string `yaml:"profile"`
	Cloud   string `yaml:"cloud"` // an older word for profile
	Auth    struct {
		AuthURL           string `yaml:"auth_url"`
		AppID             string `yaml:"application_credential_id"`
		AppName           string `yaml:"application_credential_name"`
		AppSecret         string `yaml:"application_credential_secret"`
		UserID            string `yaml:"user_id"`
		Username          string `yaml:"username"`
		Password          string `yaml:"password"`
		Token             string `yaml:"token"`
		ProjectID         string `yaml:"project_id"`
		ProjectName       string `yaml:"project_name"`
		TenantID          string `yaml:"tenant_id"`
		TenantName        string `yaml:"tenant_name"`
		UserDomainID      string `yaml:"user_domain_id"`
		UserDomainName    string `yaml:"user_domain_name"`
		ProjectDomainID   string `yaml:"project_domain_id"`
		ProjectDomainName string `yaml:"project_domain_name"`
		DomainID          string `yaml:"domain_id"`
		DomainName        string `yaml:"domain_name"`
		DefaultDomain     string `yaml:"default_domain"`
		TrustID           string `yaml:"trust_id"`
	} `yaml:"auth"`
	AuthType     string      `yaml:"auth_type"`
	Region       string      `yaml:"region_name"`
	Regions      []yaml.Node `yaml:"regions"` // names, or {name, values}
	Interface    string      `yaml:"interface"`
	EndpointType string      `yaml:"endpoint_type"` // an older word for interface
	Verify       *bool       `yaml:"verify"`
	Insecure     bool        `yaml:"insecure"`
	CACert       string      `yaml:"cacert"`
	Cert         string      `yaml:"cert"`
	Key          string      `yaml:"key"`

	// Overrides are the addresses of services that the catalog has wrong, or not for us.
	Heat    string `yaml:"orchestration_endpoint_override"`
	Nova    string `yaml:"compute_endpoint_override"`
	Neutron string `yaml:"network_endpoint_override"`
	Octavia string `yaml:"load_balancer_endpoint_override"`

	home string
}

// location turns publicURL, the oldest form of the interface, into public.
func (e *entry) location() location {
	availability := strings.TrimSuffix(first(e.EndpointType, e.Interface), "URL")
	if availability == "" {
		availability = "public"
	}
	return location{region: e.Region, availability: availability, overrides: map[string]string{
		heat().kind: e.Heat, nova().kind: e.Nova, lbaasv2().kind: e.Neutron, octavia().kind: e.Octavia,
	}}
}

// layers reads YAML documents of one kind and keeps the node of each cloud, so that a later document can be laid over an
// earlier one: yaml.v3 leaves alone what a document does not mention.
func layers(file, section string) (map[string]yaml.Node, error) {
	text, err := os.ReadFile(file) //nolint:gosec // one of the places where every OpenStack client looks
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var document map[string]yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("parse %s: %w", file, err)
	}
	var clouds map[string]yaml.Node
	if node, ok := document[section]; ok {
		if err := node.Decode(&clouds); err != nil {
			return nil, fmt.Errorf("parse %s of %s: %w", section, file, err)
		}
	}
	return clouds, nil
}

// findEntry looks the cloud up. The first clouds.yaml found is the only one read, as with every OpenStack client;
// secure.yaml lies beside it, clouds-public.yaml anywhere on the path.
func findEntry(name string, getenv func(string) string) (entry, error) {
	paths := cloudsFiles(getenv)
	at := slices.IndexFunc(paths, exists)
	if at < 0 {
		return entry{}, fmt.Errorf("there is no clouds.yaml: create one of %s, or set OS_CLIENT_CONFIG_FILE to its path",
			strings.Join(paths, ", "))
	}
	clouds, err := layers(paths[at], "clouds")
	if err != nil {
		return entry{}, err
	}
	base, ok := clouds[name]
	if !ok {
		return entry{}, fmt.Errorf("%s has no such entry: set OS_CLOUD to one of: %s", paths[at], strings.Join(names(clouds), ", "))
	}
	secret, err := layers(filepath.Join(filepath.Dir(paths[at]), "secure.yaml"), "clouds")
	if err != nil {
		return entry{}, err
	}
	over := []yaml.Node{base}
	if node, ok := secret[name]; ok {
		over = append(over, node)
	}
	return merge(over, paths, getenv)
}

// merge lays the parts over each other: the profile, the entry, its secrets, the region's values, the variables.
func merge(over []yaml.Node, paths []string, getenv func(string) string) (entry, error) {
	var e entry
	if err := lay(&e, over); err != nil {
		return e, err
	}
	if profile := first(e.Profile, e.Cloud); profile != "" {
		public, err := publicProfile(profile, paths)
		if err != nil {
			return e, err
		}
		e = entry{}
		if err := lay(&e, append([]yaml.Node{public}, over...)); err != nil {
			return e, err
		}
	}
	e.Region = first(getenv("OS_REGION_NAME"), e.Region)
	if err := e.applyRegion(); err != nil {
		return e, err
	}
	e.Interface, e.EndpointType = first(getenv("OS_INTERFACE"), e.EndpointType, e.Interface), ""
	e.fillTLS(getenv)
	return e, nil
}

func lay(e *entry, parts []yaml.Node) error {
	for _, part := range parts {
		if err := part.Decode(e); err != nil {
			return fmt.Errorf("read the entry: %w", err)
		}
	}
	return nil
}

// publicProfile finds what a provider published about its cloud.
func publicProfile(name string, paths []string) (yaml.Node, error) {
	for _, path := range paths {
		file := filepath.Join(filepath.Dir(path), "clouds-public.yaml")
		profiles, err := layers(file, "public-clouds")
		if err != nil {
			return yaml.Node{}, err
		}
		if node, ok := profiles[name]; ok {
			return node, nil
		}
	}
	return yaml.Node{}, fmt.Errorf("profile %s is in no clouds-public.yaml beside clouds.yaml: remove it and set auth.auth_url", name)
}

// applyRegion takes the first of several regions if none is chosen, and lays the region's own values over the entry.
func (e *entry) applyRegion() error {
	for i := range e.Regions {
		var region struct {
			Name   string    `yaml:"name"`
			Values yaml.Node `yaml:"values"`
		}
		if e.Regions[i].Kind == yaml.ScalarNode {
			region.Name = e.Regions[i].Value
		} else if err := e.Regions[i].Decode(&region); err != nil {
			return fmt.Errorf("read regions: %w", err)
		}
		if e.Region == "" {
			e.Region = region.Name
		}
		if e.Region == region.Name && region.Values.Kind != 0 {
			return region.Values.Decode(e)
		}
	}
	return nil
}

// cloudsFiles are the places of clouds.yaml, the first that exists wins.
func cloudsFiles(getenv func(string) string) []string {
	if file := getenv("OS_CLIENT_CONFIG_FILE"); file != "" {
		return []string{file}
	}
	paths := []string{"clouds.yaml"}
	if dir := getenv("XDG_CONFIG_HOME"); dir != "" {
		paths = append(paths, filepath.Join(dir, "openstack", "clouds.yaml"))
	} else if home := getenv("HOME"); home != "" {
		paths = append(paths, filepath.Join(home, ".config", "openstack", "clouds.yaml"))
	}
	return append(paths, "/etc/openstack/clouds.yaml")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func names(clouds map[string]yaml.Node) []string {
	out := make([]string, 0, len(clouds))
	for name := range clouds {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
