// Command package makes the zip that AWS Lambda takes of each function named: dist/<function>.zip with bootstrap alone
// inside, from bin/<function>. The same program gives the same zip, byte by byte. A program of more than 12 MB is refused.
//
//	go run ./scripts/package launch-lab scale-cluster
package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// mostBytes is how large a function's program may be: a host reads it at every cold start (scripts/bench/README.md).
const mostBytes = 12_000_000

func main() {
	if err := run("bin", "dist", os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "package:", err)
		os.Exit(1)
	}
}

func run(from, to string, functions []string, out io.Writer) error {
	if len(functions) == 0 {
		return errors.New("name the functions to package")
	}
	if err := os.MkdirAll(to, 0o755); err != nil { //nolint:gosec // build results are for everybody
		return fmt.Errorf("make folder: %w", err)
	}
	for _, name := range functions {
		program, err := os.ReadFile(filepath.Join(from, name)) //nolint:gosec // the names are those of the command line
		if err != nil {
			return fmt.Errorf("read program: %w", err)
		}
		if len(program) > mostBytes {
			return fmt.Errorf("%s has %d bytes, and a function may have %d at most: see what it links that it did not before (scripts/bench/README.md, Size of a program)", name, len(program), mostBytes)
		}
		archive, err := pack(program)
		if err != nil {
			return fmt.Errorf("pack %s: %w", name, err)
		}
		target := filepath.Join(to, name+".zip")
		if err := os.WriteFile(target, archive, 0o644); err != nil { //nolint:gosec // build results are for everybody
			return fmt.Errorf("write zip: %w", err)
		}
		_, _ = fmt.Fprintf(out, "%s  %.1f MB\n", target, float64(len(archive))/1e6) // a report only
	}
	return nil
}

// pack zips a program as the executable bootstrap, with a time that does not depend on the build.
func pack(program []byte) ([]byte, error) {
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	header.SetMode(0o755)
	file, err := w.CreateHeader(header)
	if err == nil {
		_, err = file.Write(program)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		return nil, fmt.Errorf("write bootstrap: %w", err)
	}
	return archive.Bytes(), nil
}
