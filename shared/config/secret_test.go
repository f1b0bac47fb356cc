package config_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"go.yaml.in/yaml/v3"

	"github.com/stackhook/stackhook/shared/config"
)

type credential struct{ Token config.Secret }

func TestSecretDoesNotPrint(t *testing.T) {
	t.Parallel()
	const text = "S3CRET"
	secret := config.Secret(text)
	holder := credential{secret}
	prints := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%t", "% x", "%10s"} {
		prints[verb] = fmt.Sprintf(verb, secret)
		prints["struct "+verb] = fmt.Sprintf(verb, holder)
		prints["pointer "+verb] = fmt.Sprintf(verb, &holder)
		prints["slice "+verb] = fmt.Sprintf(verb, []config.Secret{secret})
	}
	for name, marshal := range map[string]func(any) ([]byte, error){"json": json.Marshal, "yaml": yaml.Marshal, "xml": xml.Marshal} {
		out, err := marshal(holder)
		if err != nil {
			t.Fatal(err)
		}
		prints[name] = string(out)
	}
	var log bytes.Buffer
	z := zerolog.New(&log)
	z.Info().Object("a", secret).Interface("b", secret).Stringer("c", secret).Any("d", holder).Err(fmt.Errorf("with %v", secret)).Send()
	prints["zerolog"] = log.String()

	for name, printed := range prints {
		if strings.Contains(printed, text) || strings.Contains(strings.ToLower(printed), fmt.Sprintf("%x", text)) {
			t.Errorf("%s shows it: %s", name, printed)
		}
		if !strings.Contains(printed, "***") {
			t.Errorf("%s gives %q, want ***", name, printed)
		}
	}
	if secret.Reveal() != text {
		t.Error("Reveal does not")
	}
}
