package main

import "time"

// imageConfig says how an image is run.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md
type imageConfig struct {
	Created      string    `json:"created"`
	Architecture string    `json:"architecture"`
	OS           string    `json:"os"`
	Config       runConfig `json:"config"`
	RootFS       rootFS    `json:"rootfs"`
	History      []history `json:"history"`
}

// The names with a capital letter are Docker's.
type runConfig struct {
	User         string              `json:"User"`
	ExposedPorts map[string]struct{} `json:"ExposedPorts"`
	Env          []string            `json:"Env"`
	Entrypoint   []string            `json:"Entrypoint"`
	Labels       map[string]string   `json:"Labels"`
	StopSignal   string              `json:"StopSignal"`
}

type rootFS struct {
	Type    string   `json:"type"`
	DiffIDs []string `json:"diff_ids"`
}

type history struct {
	Created   string `json:"created"`
	CreatedBy string `json:"created_by"`
}

func config(l labels, name, architecture string, base, own layer) imageConfig {
	at := l.created.Format(time.RFC3339)
	about := map[string]string{
		"org.opencontainers.image.title":    "stackhook/" + name,
		"org.opencontainers.image.version":  l.version,
		"org.opencontainers.image.created":  at,
		"org.opencontainers.image.source":   "https://github.com/stackhook/stackhook",
		"org.opencontainers.image.licenses": "Apache-2.0",
	}
	if l.revision != "" {
		about["org.opencontainers.image.revision"] = l.revision
	}
	return imageConfig{
		Created: at, Architecture: architecture, OS: "linux",
		Config: runConfig{
			User: user + ":" + user, ExposedPorts: map[string]struct{}{"8080/tcp": {}}, Env: []string{"PORT=8080"},
			Entrypoint: []string{"/function"}, Labels: about, StopSignal: "SIGTERM",
		},
		RootFS:  rootFS{Type: "layers", DiffIDs: []string{base.diff, own.diff}},
		History: []history{{at, "certificates, user, /etc/stackhook"}, {at, name}},
	}
}
