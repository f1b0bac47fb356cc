package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// origins says, for platforms that a file of their own brought, how to write the file instead of lti.platforms[i].
type origins map[string]string

// platformsDir appends the platforms that the files of lti.platforms_dir hold, in the order of their names. Their faults
// stand under lti.platforms[i] until origins renames them, so that checking is the same for all.
func (d *decoder) platformsDir(into *Config, s Source) origins {
	from := origins{}
	if into.LTI.PlatformsDir == "" {
		return from
	}
	readDir := s.ReadDir
	if readDir == nil {
		readDir = os.ReadDir
	}
	entries, err := readDir(into.LTI.PlatformsDir)
	if err != nil {
		d.faults = append(d.faults, Fault{
			Path: "lti.platforms_dir", Line: d.line("lti.platforms_dir"),
			Message: fmt.Sprintf("cannot be listed (%v); make the directory, or correct the path or its permissions.", err),
		})
		return from
	}
	for _, entry := range entries {
		if entry.IsDir() || !strings.HasSuffix(entry.Name(), ".yaml") {
			continue
		}
		d.platformFile(into, from, entry.Name())
	}
	return from
}

// platformFile reads one entry or a list of them.
func (d *decoder) platformFile(into *Config, from origins, name string) {
	origin := "lti.platforms_dir/" + name + ":"
	fault := func(format string, args ...any) {
		d.faults = append(d.faults, Fault{Path: origin, Message: fmt.Sprintf(format, args...)})
	}
	text, err := d.readFile(filepath.Join(into.LTI.PlatformsDir, name))
	if err != nil {
		fault("cannot be read (%v); correct its permissions.", err)
		return
	}
	root, problem := parse(text)
	switch {
	case problem != "":
		fault("%s", problem)
	case root == nil || root.Tag == "!!null":
		fault("holds no platform; fill it or remove it.")
	case root.Kind != yaml.SequenceNode:
		d.platform(into, from, root, origin)
	default:
		for i, node := range root.Content {
			d.platform(into, from, node, origin+" ["+strconv.Itoa(i)+"]")
		}
	}
}

func (d *decoder) platform(into *Config, from origins, node *yaml.Node, origin string) {
	path := fmt.Sprintf("lti.platforms[%d]", len(into.LTI.Platforms))
	from[path] = origin
	var p Platform
	p.setDefaults()
	d.value(node, path, reflect.ValueOf(&p).Elem())
	into.LTI.Platforms = append(into.LTI.Platforms, p)
}

// rename writes lti.platforms[3].issuer as lti.platforms_dir/academy.yaml: issuer.
func (o origins) rename(faults Faults) Faults {
	for i, fault := range faults {
		end := strings.IndexByte(fault.Path, ']') + 1
		origin, ok := o[fault.Path[:end]]
		if !ok {
			continue
		}
		rest := fault.Path[end:]
		if strings.HasSuffix(origin, ":") && rest != "" {
			rest = " " + strings.TrimPrefix(rest, ".")
		}
		faults[i].Path = origin + rest
	}
	return faults
}

// YAML is the platform as one entry of lti.platforms, or as a file of lti.platforms_dir.
func (p Platform) YAML() string {
	entry := &yaml.Node{Kind: yaml.MappingNode}
	for field, value := range reflect.ValueOf(p).Fields() {
		if value.IsZero() || value.Kind() == reflect.Slice && value.Len() == 0 {
			continue
		}
		var key, content yaml.Node
		key.SetString(field.Tag.Get("yaml"))
		if err := content.Encode(value.Interface()); err != nil {
			panic("encode platform: " + err.Error()) // only for types that a platform does not have
		}
		entry.Content = append(entry.Content, &key, &content)
	}
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode([]*yaml.Node{entry}), encoder.Close()); err != nil {
		panic("write platform: " + err.Error()) // a buffer takes everything
	}
	return text.String()
}

// AddPlatform writes a platform into lti.platforms_dir, where the next load finds it, and says into which file. The file
// appears at once and whole. A platform that is there as it is stays; one that is there in another form is an error,
// because people may have changed it.
func (c *Config) AddPlatform(p Platform) (string, error) {
	if c.LTI.PlatformsDir == "" {
		return "", errors.New("add platform: lti.platforms_dir is not set")
	}
	path := filepath.Join(c.LTI.PlatformsDir, "platform-"+p.id()+".yaml")
	text := []byte(p.YAML())
	switch there, err := os.ReadFile(path); { //nolint:gosec // the operator names the directory, and a hash the file
	case err == nil && bytes.Equal(there, text):
		return path, nil
	case err == nil:
		return "", fmt.Errorf("add platform: %s is there and differs; remove it first", path)
	case !errors.Is(err, os.ErrNotExist):
		return "", fmt.Errorf("look for platform's file: %w", err)
	}
	if err := c.checkNew(p); err != nil {
		return "", fmt.Errorf("add platform: %w", err)
	}
	if err := writeNew(path, text); err != nil {
		return "", fmt.Errorf("write platform's file: %w", err)
	}
	return path, nil
}

// id tells issuers and client ids apart wherever the one ends and the other begins.
func (p Platform) id() string {
	hash := sha256.Sum256(fmt.Appendf(nil, "%d:%s%s", len(p.Issuer), p.Issuer, p.ClientID))
	return hex.EncodeToString(hash[:8])
}

// checkNew gives the faults that the configuration would have with p in it: a bad entry would keep all of it from loading.
func (c *Config) checkNew(p Platform) error {
	if p.Algorithms == nil {
		p.setDefaults() // as reading it will
	}
	with := *c
	with.LTI.Platforms = append(append([]Platform(nil), c.LTI.Platforms...), p)
	path := fmt.Sprintf("lti.platforms[%d]", len(c.LTI.Platforms))
	var faults Faults
	for _, fault := range with.check() {
		if strings.HasPrefix(fault.Path, path) {
			faults = append(faults, fault)
		}
	}
	if len(faults) > 0 {
		return origins{path: "the new platform:"}.rename(faults)
	}
	return nil
}

// writeNew lets others see the file whole or not at all. Its name does not end in .yaml before.
func writeNew(path string, text []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".new-*") // with O_EXCL and 0600
	if err != nil {
		return fmt.Errorf("create file: %w", err)
	}
	_, err = io.Copy(file, bytes.NewReader(text))
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
