// Command image writes an OCI image layout with one image for each function named, for amd64 and arm64 each, without any
// daemon, registry or network: from programs that are there already. The same programs, certificates, version and time
// give the same bytes.
//
//	make image
//	skopeo inspect oci:dist/images:launch-lab
//	skopeo copy --all oci:dist/images:launch-lab docker://registry.example.org/stackhook/launch-lab
//
// One image holds one function: a change of one is then rolled out alone, and what is not in an image cannot be run in it.
// All share the layer with the certificates, which is stored once.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "image:", err)
		}
		os.Exit(1)
	}
}

// settings are what was typed.
type settings struct {
	from, to string // folders: linux-<architecture>/<function> in the first, the layout in the second
	roots    string // file with the certificates that are trusted
	labels   labels
}

// labels are what an image says of itself, besides its function.
type labels struct {
	version, revision string
	created           time.Time
}

func run(args []string, out io.Writer) error {
	s, functions, err := parse(args)
	if err != nil {
		return err
	}
	roots, err := os.ReadFile(s.roots)
	if err != nil {
		return fmt.Errorf("read certificates (Debian: apt-get install ca-certificates): %w", err)
	}
	l, err := newLayout(s.to)
	if err != nil {
		return err
	}
	base, err := l.layer(baseFiles(roots))
	if err != nil {
		return fmt.Errorf("write the layer of certificates: %w", err)
	}
	for _, name := range functions {
		size, err := image(l, s, base, name)
		if err != nil {
			return fmt.Errorf("make the image of %s: %w", name, err)
		}
		_, _ = fmt.Fprintf(out, "oci:%s:%s  %.1f MB\n", s.to, name, float64(size)/1e6) // a report only
	}
	return l.finish()
}

func parse(args []string) (settings, []string, error) {
	var s settings
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	flags.StringVar(&s.from, "from", "bin", "folder with linux-amd64/<function> and linux-arm64/<function>")
	flags.StringVar(&s.to, "to", "dist/images", "folder of the layout; it is made anew")
	flags.StringVar(&s.roots, "roots", "/etc/ssl/certs/ca-certificates.crt", "certificates that the functions trust")
	flags.StringVar(&s.labels.version, "version", "dev", "for the label org.opencontainers.image.version")
	flags.StringVar(&s.labels.revision, "revision", "", "commit, for the label org.opencontainers.image.revision")
	created := flags.String("created", "1980-01-01T00:00:00Z", "time of the source in RFC 3339, which all files get")
	if err := flags.Parse(args); err != nil {
		return s, nil, err
	}
	at, err := time.Parse(time.RFC3339, *created)
	if err != nil {
		return s, nil, fmt.Errorf("-created is %q; it must be a time such as 2026-11-23T09:00:00Z", *created)
	}
	s.labels.created = at.UTC()
	if flags.NArg() == 0 {
		return s, nil, errors.New("name the functions to make images of")
	}
	return s, flags.Args(), nil
}

// image writes the images of a function for all architectures, and gives the bytes that a machine of the first one fetches.
func image(l *layout, s settings, base layer, name string) (int64, error) {
	var manifests []descriptor
	var size int64
	for _, architecture := range []string{"amd64", "arm64"} {
		program, err := os.ReadFile(filepath.Join(s.from, "linux-"+architecture, name)) //nolint:gosec // the names are those of the command line
		if err != nil {
			return 0, fmt.Errorf("read program (make image builds it): %w", err)
		}
		own, err := l.layer([]file{{name: "function", mode: 0o755, content: program}})
		if err != nil {
			return 0, err
		}
		manifest, err := l.manifest(config(s.labels, name, architecture, base, own), base, own)
		if err != nil {
			return 0, err
		}
		manifest.Platform = &platform{Architecture: architecture, OS: "linux"}
		manifests = append(manifests, manifest)
		if size == 0 {
			size = base.blob.Size + own.blob.Size
		}
	}
	return size, l.add(name, manifests)
}
