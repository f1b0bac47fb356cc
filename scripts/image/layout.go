package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// The media types of the OCI image specification 1.1.
const (
	typeIndex    = "application/vnd.oci.image.index.v1+json"
	typeManifest = "application/vnd.oci.image.manifest.v1+json"
	typeConfig   = "application/vnd.oci.image.config.v1+json"
	typeLayer    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Platform    *platform         `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
}

type index struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Manifests     []descriptor `json:"manifests"`
}

type manifest struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Config        descriptor   `json:"config"`
	Layers        []descriptor `json:"layers"`
}

// layer is a compressed archive and the digest that it has when it is not.
type layer struct {
	blob descriptor
	diff string
}

// layout is a folder of blobs, named by what they hold, and an index of the images in it.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
type layout struct {
	dir, made string // made is where it grows, until it takes the place of dir
	images    []descriptor
}

func newLayout(dir string) (*layout, error) {
	l := &layout{dir: dir, made: dir + ".new"}
	if err := os.RemoveAll(l.made); err != nil {
		return nil, fmt.Errorf("remove what another run has left: %w", err)
	}
	return l, nil
}

// blob writes content under its digest.
func (l *layout) blob(mediaType string, content []byte) (descriptor, error) {
	sum := sha256.Sum256(content)
	digest := hex.EncodeToString(sum[:])
	if err := l.write(filepath.Join("blobs", "sha256", digest), content); err != nil {
		return descriptor{}, err
	}
	return descriptor{MediaType: mediaType, Digest: "sha256:" + digest, Size: int64(len(content))}, nil
}

func (l *layout) write(name string, content []byte) error {
	target := filepath.Join(l.made, name)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil { //nolint:gosec // build results are for everybody
		return fmt.Errorf("make folder: %w", err)
	}
	if err := os.WriteFile(target, content, 0o644); err != nil { //nolint:gosec // build results are for everybody
		return fmt.Errorf("write layout: %w", err)
	}
	return nil
}

func (l *layout) document(mediaType string, content any) (descriptor, error) {
	text, err := json.Marshal(content)
	if err != nil {
		return descriptor{}, fmt.Errorf("encode: %w", err)
	}
	return l.blob(mediaType, text)
}

func (l *layout) layer(files []file) (layer, error) {
	plain, err := archive(files)
	if err != nil {
		return layer{}, err
	}
	var packed bytes.Buffer
	zip, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return layer{}, fmt.Errorf("compress: %w", err)
	}
	if _, err := zip.Write(plain); err != nil {
		return layer{}, fmt.Errorf("compress: %w", err)
	}
	if err := zip.Close(); err != nil {
		return layer{}, fmt.Errorf("compress: %w", err)
	}
	blob, err := l.blob(typeLayer, packed.Bytes())
	sum := sha256.Sum256(plain)
	return layer{blob: blob, diff: "sha256:" + hex.EncodeToString(sum[:])}, err
}

func (l *layout) manifest(c imageConfig, layers ...layer) (descriptor, error) {
	about, err := l.document(typeConfig, c)
	if err != nil {
		return descriptor{}, err
	}
	m := manifest{SchemaVersion: 2, MediaType: typeManifest, Config: about}
	for _, one := range layers {
		m.Layers = append(m.Layers, one.blob)
	}
	return l.document(typeManifest, m)
}

// add gives an image, which has a manifest for each architecture, its name in the layout.
func (l *layout) add(name string, manifests []descriptor) error {
	image, err := l.document(typeIndex, index{SchemaVersion: 2, MediaType: typeIndex, Manifests: manifests})
	if err != nil {
		return err
	}
	image.Annotations = map[string]string{"org.opencontainers.image.ref.name": name}
	l.images = append(l.images, image)
	return nil
}

// finish writes what makes the folder a layout, and puts it in the place of the one before.
func (l *layout) finish() error {
	text, err := json.Marshal(index{SchemaVersion: 2, MediaType: typeIndex, Manifests: l.images})
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	if err := l.write("index.json", text); err != nil {
		return err
	}
	if err := l.write("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`)); err != nil {
		return err
	}
	if err := os.RemoveAll(l.dir); err != nil {
		return fmt.Errorf("remove the layout before: %w", err)
	}
	if err := os.Rename(l.made, l.dir); err != nil {
		return fmt.Errorf("put the layout in its place: %w", err)
	}
	return nil
}
