package config

import (
	"os"
	"sync"
)

// Reads is what a source read: the configuration, secrets in files of their own, directories.
type Reads struct {
	mu    sync.Mutex
	files map[string]os.FileInfo // as they were before they were first read; nil: not there
}

// Record is s, and a list of what is read from it from now on.
func (s Source) Record() (Source, *Reads) {
	reads := &Reads{files: map[string]os.FileInfo{}}
	recorded := s
	recorded.ReadFile = func(name string) ([]byte, error) {
		reads.note(name)
		return s.ReadFile(name)
	}
	recorded.ReadDir = func(name string) ([]os.DirEntry, error) {
		reads.note(name)
		if s.ReadDir == nil {
			return os.ReadDir(name)
		}
		return s.ReadDir(name)
	}
	return recorded, reads
}

func (r *Reads) note(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, there := r.files[name]; !there {
		r.files[name] = look(name)
	}
}

// Changed says whether anything that was read is another file by now, has other content, appeared or went. It looks at
// times and sizes only.
func (r *Reads) Changed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, before := range r.files {
		now := look(name)
		if (now == nil) != (before == nil) {
			return true
		}
		if now != nil && (!os.SameFile(now, before) || !now.ModTime().Equal(before.ModTime()) || now.Size() != before.Size()) {
			return true
		}
	}
	return false
}

// look follows links: Kubernetes exchanges a link when it mounts a secret anew. What cannot be looked at counts as not there.
func look(name string) os.FileInfo {
	info, err := os.Stat(name)
	if err != nil {
		return nil
	}
	return info
}
