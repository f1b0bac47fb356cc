package config

import (
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/stackhook/stackhook/shared/seal"
)

// CloudName is the preferred cloud of clouds.yaml; empty leaves the choice to the OS_* variables.
func (c *Config) CloudName() string {
	if len(c.Clouds) == 0 {
		return ""
	}
	return c.Clouds[0].Name
}

// Box seals and signs with the configured keys.
func (c *Config) Box() (*seal.Box, error) {
	keys := make([]seal.Key, len(c.SealKeys))
	for i, key := range c.SealKeys {
		keys[i] = seal.Key{ID: key.ID, Secret: []byte(key.Secret.Reveal())}
	}
	box, err := seal.New(keys...)
	if err != nil {
		return nil, fmt.Errorf("set up seal_keys: %w", err)
	}
	return box, nil
}

// Templates is the folder whose templates go before the built-in ones; nil if there is none.
func (c *Config) Templates() fs.FS {
	if c.TemplatesDir == "" {
		return nil
	}
	return os.DirFS(c.TemplatesDir)
}

// Times are the window's start and end; zero where it has none.
func (w Window) Times() (start, end time.Time) {
	start, _ = time.Parse(time.RFC3339, w.Start) // what is no time was refused when the configuration was read
	end, _ = time.Parse(time.RFC3339, w.End)
	return start, end
}
