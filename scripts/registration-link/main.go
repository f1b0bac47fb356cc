// Command registration-link prints the address that lets one platform register itself: LTI Dynamic Registration.
//
//	STACKHOOK_CONFIG=stackhook.yaml go run ./scripts/registration-link https://lms.example.org
//
// The platform's administrator pastes it as the tool's registration address. It is good for a day and for one registration,
// and only while lti.registration lists the issuer.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lti/registration"
)

func main() {
	if err := run(config.OS(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "registration-link:", err)
		os.Exit(1)
	}
}

func run(src config.Source, args []string, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("say which platform: registration-link https://lms.example.org")
	}
	issuer := args[0]
	c, err := src.Load()
	if err != nil {
		return err //nolint:wrapcheck // it says that it is about the configuration
	}
	if !slices.ContainsFunc(c.LTI.Registration, func(r config.Registration) bool { return r.Issuer == issuer }) {
		return fmt.Errorf("lti.registration does not list the issuer %q; add it, letter for letter as the platform writes it", issuer)
	}
	box, err := c.Box()
	if err != nil {
		return err //nolint:wrapcheck // it says what it was doing
	}
	address, err := registration.Address(box, c.PublicURL+"/launch-lab/register", issuer, time.Now())
	if err != nil {
		return err //nolint:wrapcheck // it says what it was doing
	}
	_, err = fmt.Fprintln(out, address)
	return err //nolint:wrapcheck // standard output
}
