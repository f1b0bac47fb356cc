package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// licences are those that we may pass on under our own, with words that no other one has, in the order in which they are
// tried. A module under another one is refused until somebody has read that and added it.
var licences = []struct{ id, words string }{
	{"Apache-2.0", "Apache License,? Version 2.0"},
	{"BSD-3-Clause", "Redistributions in binary form must reproduce .* Neither the name"},
	{"BSD-2-Clause", "Redistributions in binary form must reproduce"},
	{"MIT", "Permission is hereby granted, free of charge, .* The above copyright notice and this permission notice"},
}

var fileName = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)(\.(md|txt))?$`)

// licenceFiles are a folder's licence and what belongs to it, in the order of their names.
func licenceFiles(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("list sources: %w", err)
	}
	var files []string
	for _, entry := range entries {
		if fileName.MatchString(entry.Name()) && !entry.IsDir() {
			files = append(files, filepath.Join(folder, entry.Name()))
		}
	}
	return files, nil
}

// read gives the files' licence, or licences, as an SPDX expression, and all their text.
func read(files []string) (expression, text string, err error) {
	var all bytes.Buffer
	var ids []string
	for _, file := range files {
		content, err := os.ReadFile(file) //nolint:gosec // a licence in a module's sources
		if err != nil {
			return "", "", fmt.Errorf("read licence: %w", err)
		}
		all.Write(append(bytes.TrimSpace(content), '\n', '\n'))
		ids = append(ids, named(string(content))...)
	}
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) == 0 {
		return "", "", errors.New("no licence that is known here")
	}
	return strings.Join(ids, " AND "), all.String(), nil
}

// named are the licences whose words are in a text: of the BSD ones the longest, and MIT besides Apache where a module has
// parts of two origins.
func named(text string) []string {
	flat := strings.Join(strings.Fields(text), " ")
	var ids []string
	for _, licence := range licences {
		if licence.id == "BSD-2-Clause" && slices.Contains(ids, "BSD-3-Clause") {
			continue
		}
		if regexp.MustCompile(licence.words).MatchString(flat) {
			ids = append(ids, licence.id)
		}
	}
	return ids
}

// texts are the licence texts by their modules.
type texts map[string]string

func (t texts) add(modules []module) error {
	for _, m := range modules {
		heading := fmt.Sprintf("%s %s (%s)", m.path, m.version, m.licence)
		if known, ok := t[heading]; ok && known != m.text {
			return fmt.Errorf("two texts for %s", heading)
		}
		t[heading] = m.text
	}
	return nil
}

func (t texts) join() []byte {
	var out bytes.Buffer
	for _, heading := range slices.Sorted(maps.Keys(t)) {
		fmt.Fprintf(&out, "%s\n%s\n\n%s\n", heading, strings.Repeat("=", len(heading)), t[heading])
	}
	return out.Bytes()
}
