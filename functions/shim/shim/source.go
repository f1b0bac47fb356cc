package shim

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	_ "embed"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net/url"
	"strings"
	"sync"
	"text/template"

	"go.yaml.in/yaml/v3"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

//go:embed development.yaml
var developmentText string

// The naming key alone is not drawn afresh: a restart on a real cloud must find the labs of the last run. It gives no
// right to anything.
const developmentNamingKey = "development-naming-key-known-to-everybody"

// secrets fill the template of a configuration.
type secrets struct {
	Development bool
	// Silent labs do not wait for a word of their machines.
	Silent bool
	// PublicURL is empty where the shim's own address is to be used.
	PublicURL string
	// Origins may show the lab in a frame.
	Origins                                        []string
	NamingKey, SealID, Seal, ConsumerSecret, Token string
	// ToolKey is PEM, indented as it stands in the file.
	ToolKey string
}

func writeConfig(w io.Writer, v secrets) error {
	t, err := template.New("development.yaml").Parse(developmentText)
	if err != nil {
		return fmt.Errorf("read the development configuration: %w", err)
	}
	return t.Execute(w, v)
}

// random is a secret of 52 characters.
func random() string { return strings.ToLower(rand.Text() + rand.Text()) }

// toolKey is a new RSA key. Drawing one takes a moment, so that the shims of one process, which are those of tests, share it.
var toolKey = sync.OnceValues(func() (string, error) {
	const bits = 2048
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return "", fmt.Errorf("draw a tool key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", fmt.Errorf("write the tool key: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	const indent = "      "
	return indent + strings.ReplaceAll(strings.TrimRight(string(text), "\n"), "\n", "\n"+indent) + "\n", nil
})

// source is the environment that the functions see: the caller's, completed where it says nothing.
func (s *Shim) source(o Options) (config.Source, error) {
	env := map[string]string{}
	src := s.completed(o.Source)
	s.cloudName = realCloud(src)
	if s.development {
		key, err := toolKey()
		if err != nil {
			return config.Source{}, err
		}
		var text strings.Builder
		err = writeConfig(&text, secrets{
			Development: true, Silent: s.cloudName != "", PublicURL: s.base, Origins: s.origins(),
			NamingKey: developmentNamingKey, SealID: "development", Seal: random(), ConsumerSecret: random(), Token: random(), ToolKey: key,
		})
		if err != nil {
			return config.Source{}, err
		}
		env[config.Variable] = text.String()
	}
	if s.cloudName == "" {
		o.Fake.Wall = true
		fake, err := openstacktest.New(o.Fake)
		if err != nil {
			return config.Source{}, fmt.Errorf("start the fake cloud: %w", err)
		}
		s.fake = fake
		maps.Copy(env, fake.Env())
	}
	return config.Source{ReadFile: src.ReadFile, Getenv: func(name string) string {
		if value, ok := env[name]; ok {
			return value
		}
		return src.Getenv(name)
	}}, nil
}

// origins are the names of this address: a developer may open either, and the lab must show in both.
func (s *Shim) origins() []string {
	list := []string{s.base}
	if u, err := url.Parse(s.base); err == nil && u.Hostname() != "localhost" {
		list = append(list, "http://localhost:"+u.Port())
	}
	return list
}

// realCloud is the name of the cloud that the environment or the configuration asks for; empty means none.
func realCloud(src config.Source) string {
	if name := src.Getenv("OS_CLOUD"); name != "" {
		return name
	}
	if address := src.Getenv("OS_AUTH_URL"); address != "" {
		if u, err := url.Parse(address); err == nil && u.Host != "" {
			return u.Host
		}
		return address
	}
	var c struct {
		Clouds []struct{ Name string }
	}
	if yaml.Unmarshal([]byte(configText(src)), &c) == nil && len(c.Clouds) > 0 {
		return c.Clouds[0].Name
	}
	return ""
}

// configText is the text of the configuration, empty if it cannot be had: Load says why.
func configText(src config.Source) string {
	value := src.Getenv(config.Variable)
	if value == "" || strings.Contains(value, "\n") {
		return value
	}
	text, err := src.ReadFile(value)
	if err != nil {
		return ""
	}
	return string(text)
}

// completed puts our own address into a configuration without public_url, on its way from wherever it comes.
func (s *Shim) completed(src config.Source) config.Source {
	value := src.Getenv(config.Variable)
	if value == "" {
		return src
	}
	if strings.Contains(value, "\n") {
		text := s.withURL(value)
		return config.Source{ReadFile: src.ReadFile, Getenv: func(name string) string {
			if name == config.Variable {
				return text
			}
			return src.Getenv(name)
		}}
	}
	return config.Source{Getenv: src.Getenv, ReadFile: func(name string) ([]byte, error) {
		content, err := src.ReadFile(name)
		if err == nil && name == value {
			content = []byte(s.withURL(string(content)))
		}
		return content, err
	}}
}

// withURL adds public_url at the end, where it changes no line number of what may be complained about.
func (s *Shim) withURL(text string) string {
	var root yaml.Node
	if yaml.Unmarshal([]byte(text), &root) != nil || len(root.Content) == 0 {
		return text
	}
	top := root.Content[0]
	if top.Kind != yaml.MappingNode || top.Style&yaml.FlowStyle != 0 {
		return text
	}
	for i := 0; i < len(top.Content); i += 2 {
		if top.Content[i].Value == "public_url" {
			return text
		}
	}
	return text + "\npublic_url: " + s.base + "\n"
}
