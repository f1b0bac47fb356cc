package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// The commands.
const (
	preflight = "preflight"
	prebuild  = "prebuild"
)

// options are what was typed.
type options struct {
	command         string
	lab             string
	learners        int
	tenant, context string
	roster          string
	json            bool
}

func parse(args []string, complaints io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("class", flag.ContinueOnError)
	flags.SetOutput(complaints)
	flags.StringVar(&o.lab, "lab", "", "`key` of the lab in the configuration")
	flags.IntVar(&o.learners, "learners", 0, "preflight: `number` of learners who have no lab yet")
	flags.StringVar(&o.tenant, "tenant", "", "prebuild: `name` under which the labs are kept: the consumer's key, or its tenant in the configuration")
	flags.StringVar(&o.context, "context", "", "prebuild: the course's `id` as the platform sends it: context_id, or the claim context's id")
	flags.StringVar(&o.roster, "roster", "", "prebuild: CSV `file` with the learners, - for standard input")
	flags.BoolVar(&o.json, "json", false, "print the report as JSON")
	flags.Usage = func() {
		_, _ = io.WriteString(complaints, usage)
		flags.PrintDefaults()
	}
	if len(args) == 0 {
		flags.Usage()
		return o, errors.New("no command")
	}
	switch args[0] {
	case preflight, prebuild:
		o.command = args[0]
		args = args[1:]
	case "help":
		args = []string{"-help"}
	}
	err := flags.Parse(args)
	if err == nil && (o.command == "" || flags.NArg() > 0) {
		_, _ = fmt.Fprintln(complaints, "Write one command first, preflight or prebuild, and then its flags; -help explains them.")
		return o, errors.New("no command")
	}
	return o, err //nolint:wrapcheck // flag has printed it
}

// check is a sentence about what is missing, or empty.
func (o options) check() string {
	switch {
	case o.lab == "":
		return "-lab must be the key of a lab in the configuration, such as -lab web."
	case o.command == preflight && o.learners < 1:
		return "-learners must be the size of the class, such as -learners 120."
	case o.command == prebuild && o.tenant == "":
		return "-tenant must be the consumer's key or its tenant in the configuration, such as -tenant academy."
	case o.command == prebuild && o.roster == "":
		return "-roster must be a CSV file with the learners' ids, or - for standard input."
	}
	return ""
}
