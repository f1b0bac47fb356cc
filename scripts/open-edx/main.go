// Command open-edx carries an LTI block between Open edX Studio and the configuration. It reads the five values that
// Studio shows for an LTI 1.3 block, in whatever form they were pasted, and prints the entry for lti.platforms and what
// to put into Studio:
//
//	go run ./scripts/open-edx -public-url https://hooks.example.org -labs web < values.txt
//
// For LTI 1.1 there is nothing to read: it draws a secret, and prints the entry for lti.consumers and the passport:
//
//	go run ./scripts/open-edx -11 -key academy -public-url https://hooks.example.org -labs web -ancestors https://lms.example.org
//
// The exit code is 2 for what the person who typed it can correct.
package main

import (
	"cmp"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lti/openedx"
)

const usage = `Carries an LTI block between Open edX Studio and Stackhook's configuration.

LTI 1.3: paste what Studio shows for the block.

  go run ./scripts/open-edx -public-url https://hooks.example.org -labs web <<'END'
  Client ID: f0532860-cb34-47a9-b16c-53deb077d4de
  Deployment ID: 1
  Keyset URL: https://lms.example.org/api/lti_consumer/v1/public_keysets/88e45ecb
  Access Token URL: https://lms.example.org/api/lti_consumer/v1/token/88e45ecb
  Login URL: https://lms.example.org/api/lti_consumer/v1/launch/
  END

LTI 1.1: nothing to paste.

  go run ./scripts/open-edx -11 -key academy -public-url https://hooks.example.org -labs web -ancestors https://lms.example.org

`

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// options are what was typed.
type options struct {
	publicURL, issuer, tenant string
	file                      string
	labs, ancestors           []string
	legacy                    bool
	id, key, secretFile       string
}

// faults are sentences for the person who typed the command.
type faults []string

func (f faults) Error() string { return strings.Join(f, "\n") }

func run(args []string, in io.Reader, out, complaints io.Writer) int {
	o, err := parse(args, complaints)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2 // flag has said why
	}
	wrong := o.check()
	read := o.platform
	if o.legacy {
		read = o.consumer
	}
	got, err := read(in)
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	if len(wrong) == 0 && o.file != "" {
		wrong = append(wrong, o.write(got.entry)...)
	}
	if len(wrong) > 0 {
		_, _ = fmt.Fprintln(complaints, wrong.Error())
		return 2
	}
	if _, err := io.WriteString(out, got.print(o.file == "")); err != nil {
		return 1
	}
	return 0
}

// result is what both sides have to be told.
type result struct {
	list, entry string // of the configuration
	hints       []string
	studio      []openedx.Value
}

// print is the result for a person, with the entry unless that was written.
func (r result) print(entry bool) string {
	var b strings.Builder
	if entry {
		b.WriteString("# Into the configuration:\n" + openedx.Section(r.list, r.entry))
	}
	for _, hint := range r.hints {
		b.WriteString("# " + hint + "\n")
	}
	where := ""
	for _, v := range r.studio {
		if v.Where != where {
			where = v.Where
			b.WriteString("\n# Into Studio, " + where + ":\n")
		}
		fmt.Fprintf(&b, "%-24s %s\n", v.Label, v.Value)
	}
	return strings.TrimPrefix(b.String(), "\n")
}

// write puts the entry into a file that the functions can read too.
func (o options) write(entry string) faults {
	const mode = 0o644 // there is no secret in a platform's entry
	if err := os.WriteFile(o.file, []byte(entry), mode); err != nil {
		return faults{fmt.Sprintf("-write cannot write the entry: %v", err)}
	}
	return nil
}

func parse(args []string, complaints io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("open-edx", flag.ContinueOnError)
	flags.SetOutput(complaints)
	list := func(name, help string) *string { return flags.String(name, "", help+", separated by commas") }
	flags.StringVar(&o.publicURL, "public-url", "", "public_url of the configuration")
	labs := list("labs", "what may be launched: keys of `labs`, the first without a choice")
	ancestors := list("ancestors", "`origins` that may show labs in a frame: the LMS and the MFEs; the LMS alone if empty")
	flags.StringVar(&o.tenant, "tenant", "", "`name` under which the labs are kept; entries with one tenant share them")
	flags.StringVar(&o.issuer, "issuer", "", "the platform's `iss`, if it is not the address of the LMS")
	flags.StringVar(&o.file, "write", "", "`file` of lti.platforms_dir to write the entry to, instead of printing it")
	flags.BoolVar(&o.legacy, "11", false, "LTI 1.1")
	flags.StringVar(&o.key, "key", "", "LTI 1.1: `name` of the consumer")
	flags.StringVar(&o.id, "id", "stackhook", "LTI 1.1: LTI ID of the passport")
	flags.StringVar(&o.secretFile, "secret-file", "", "LTI 1.1: `file` with the secret, - for standard input; without it one is drawn")
	flags.Usage = func() {
		_, _ = io.WriteString(complaints, usage)
		flags.PrintDefaults()
	}
	err := flags.Parse(args)
	o.labs, o.ancestors = split(*labs), split(*ancestors)
	return o, err //nolint:wrapcheck // flag has printed it
}

// split is a list as typed, with or without spaces.
func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// name is what a consumer's key and an LTI ID may be; a colon would split the passport elsewhere.
var name = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,128}$`)

func (o options) check() faults {
	var wrong faults
	if u, err := url.Parse(o.publicURL); err != nil || u.Host == "" || u.RawQuery != "" {
		wrong = append(wrong, "-public-url must be public_url of the configuration, such as https://hooks.example.org.")
	}
	if len(o.labs) == 0 {
		wrong = append(wrong, "-labs must name one lab of the configuration or more, such as -labs web.")
	}
	for _, origin := range o.ancestors {
		if u, err := url.Parse(origin); err != nil || u.Host == "" || origin != u.Scheme+"://"+u.Host {
			wrong = append(wrong, fmt.Sprintf("-ancestors has %q: write a scheme and a host, such as https://lms.example.org.", origin))
		}
	}
	if !o.legacy {
		return wrong
	}
	if o.file != "" {
		wrong = append(wrong, "-write is for LTI 1.3: consumers have no files of their own.")
	}
	if !name.MatchString(o.key) {
		wrong = append(wrong, "-key must name the consumer with letters, digits and . _ ~ -, such as -key academy.")
	}
	if !name.MatchString(o.id) {
		wrong = append(wrong, "-id must have letters, digits and . _ ~ - only.")
	}
	if len(o.ancestors) == 0 {
		wrong = append(wrong, "-ancestors must name the LMS, such as -ancestors https://lms.example.org: LTI 1.1 does not say where it is.")
	}
	return wrong
}

// platform is LTI 1.3: from Studio's values.
func (o options) platform(in io.Reader) (result, error) {
	pasted, err := io.ReadAll(in)
	if err != nil {
		return result{}, fmt.Errorf("standard input cannot be read: %w", err)
	}
	v, err := openedx.Parse(string(pasted))
	if err != nil {
		return result{}, err //nolint:wrapcheck // sentences for a person
	}
	v.Issuer = cmp.Or(o.issuer, v.Issuer)
	entry := openedx.Entry(v, o.labs, o.ancestors)
	entry.Tenant = o.tenant
	hints := v.Hints()
	if len(o.ancestors) == 0 {
		hints = append(hints, openedx.FramesHint)
	}
	return result{"platforms", entry.YAML(), hints, openedx.PasteBack(o.publicURL, first(o.labs))}, nil
}

// consumer is LTI 1.1: nothing but a secret is needed.
func (o options) consumer(in io.Reader) (result, error) {
	secret, err := o.secret(in)
	if err != nil {
		return result{}, err
	}
	entry := config.Consumer{Key: o.key, Secret: config.Secret(secret), Tenant: o.tenant, Labs: o.labs, FrameAncestors: o.ancestors, Instructors: true}
	return result{"consumers", openedx.ConsumerYAML(entry), nil, openedx.PasteBackLegacy(o.publicURL, first(o.labs), o.id, o.key, secret)}, nil
}

// secret is the file's or a new one. It has no colon, which would end it in a passport.
func (o options) secret(in io.Reader) (string, error) {
	if o.secretFile == "" {
		return strings.ToLower(rand.Text() + rand.Text()), nil
	}
	read := func() ([]byte, error) { return os.ReadFile(o.secretFile) }
	if o.secretFile == "-" {
		read = func() ([]byte, error) { return io.ReadAll(in) }
	}
	text, err := read()
	if err != nil {
		return "", fmt.Errorf("-secret-file cannot be read: %w", err)
	}
	secret := strings.TrimRight(string(text), "\r\n")
	if len(secret) < 32 || strings.ContainsAny(secret, ": \t\r\n") {
		return "", errors.New("-secret-file must hold 32 characters or more, without a colon or a space")
	}
	return secret, nil
}

func first(labs []string) string { return strings.Join(labs[:min(1, len(labs))], "") }
