package heattemplates

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io/fs"
	"path"
	"regexp"
)

// maxPicture keeps pages small: a picker shows every lab of a course, pictures included.
const maxPicture = 32 << 10

// Picture reads a picture the way LoadFrom reads a template and gives it as a data: URI, which needs no address of its own
// and no hole in a page's policy for images. Its type is told from its content. An empty name is no picture.
func Picture(dir fs.FS, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	if !inside(name) {
		return "", fmt.Errorf("picture %q: not a name inside the template tree", name)
	}
	content, err := (&reader{dir: dir}).read(name)
	if err != nil {
		return "", fmt.Errorf("picture %q: %w", name, err)
	}
	if len(content) > maxPicture {
		return "", fmt.Errorf("picture %q: %d bytes, more than %d", name, len(content), maxPicture)
	}
	kind := pictureType([]byte(content))
	if kind == "" {
		return "", fmt.Errorf("picture %q: neither SVG, PNG nor JPEG", path.Base(name))
	}
	return "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString([]byte(content)), nil
}

// svgStart is what may come before the root element of a drawing: a byte order mark, the XML declaration, comments, and a
// document type.
var svgStart = regexp.MustCompile(`^\x{FEFF}?\s*(<\?xml[^>]*\?>\s*)?(<!--[\s\S]*?-->\s*|<!DOCTYPE svg[^>\[]*>\s*)*<svg[\s>]`)

// pictureType is the media type, or empty for what is no picture of a kind that we show.
func pictureType(content []byte) string {
	switch {
	case bytes.HasPrefix(content, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(content, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	case svgStart.Match(content):
		return "image/svg+xml"
	}
	return ""
}
