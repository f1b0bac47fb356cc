package launchlab_test

import (
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/functions/launch-lab/launchlab"
	"github.com/stackhook/stackhook/shared/lti/registration"
)

func TestREADMENamesEveryCode(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	codes := launchlab.Codes()
	maps.Copy(codes, registration.Codes())
	for code, status := range codes {
		if !strings.Contains(string(text), fmt.Sprintf("| `%s` | %d |", code, status)) {
			t.Errorf("the README does not have %s with %d", code, status)
		}
	}
}
