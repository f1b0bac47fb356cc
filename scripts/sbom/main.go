// Command sbom says what a program is made of: for each one named, dist/<program>.cdx.json, a CycloneDX bill of materials
// (https://cyclonedx.org/specification/overview/) read from bin/<program> itself; and dist/LICENSES.txt, the licence texts that
// whoever passes the programs on has to pass on as well. The same programs give the same files, byte by byte.
//
//	go run ./scripts/sbom -version v1.2.3 launch-lab scale-cluster
//
// It ends with status 1 if a module has no licence text, or one that is not known here.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	version := flag.String("version", "dev", "the programs' own version, which the linker does not write where it is read")
	flag.Parse()
	if err := run("bin", "dist", *version, flag.Args(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(from, to, version string, programs []string, out io.Writer) error {
	if len(programs) == 0 {
		return errors.New("name the programs to describe")
	}
	if err := os.MkdirAll(to, 0o755); err != nil { //nolint:gosec // build results are for everybody
		return fmt.Errorf("make folder: %w", err)
	}
	texts := texts{}
	for _, name := range programs {
		modules, err := linked(filepath.Join(from, name))
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if err := texts.add(modules); err != nil {
			return fmt.Errorf("licences of %s: %w", name, err)
		}
		var bill bytes.Buffer
		if err := write(&bill, name, version, modules); err != nil {
			return err
		}
		if err := keep(filepath.Join(to, name+".cdx.json"), bill.Bytes(), out); err != nil {
			return err
		}
	}
	return keep(filepath.Join(to, "LICENSES.txt"), texts.join(), out)
}

func keep(path string, text []byte, out io.Writer) error {
	if err := os.WriteFile(path, text, 0o644); err != nil { //nolint:gosec // build results are for everybody
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, _ = fmt.Fprintf(out, "%s  %d bytes\n", path, len(text)) // a report only
	return nil
}
