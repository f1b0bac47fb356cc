package page

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/a-h/templ"
)

// nowhere is where a link leads whose address is none of the web.
const nowhere = templ.SafeURL("about:invalid")

// web is an address that a page may lead to: one of the web, or a path of ours. Addresses come from courses, labs and
// clouds, and a browser runs what stands behind javascript: as part of the page. So does templ see to links and forms by
// itself; to what it does not take for an address (formaction, the address of a refresh) this does.
func web(address string) templ.SafeURL {
	scheme, _, found := strings.Cut(address, ":")
	if found && !strings.Contains(scheme, "/") && !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http") {
		return nowhere
	}
	return templ.SafeURL(address)
}

// verbatim is one of our own style sheets or scripts. Nothing that anybody else wrote may get into its text.
func verbatim(element, nonce, text string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		return write(w, "<", element, ` nonce="`, templ.EscapeString(nonce), `">`, text, "</", element, ">")
	})
}

// island is what a page's script is told. JSON is written without <, > and &, so that nothing in it ends the element.
func island(nonce string, data any) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		text, err := json.Marshal(data)
		if err != nil {
			return fmt.Errorf("write the script's data: %w", err)
		}
		return write(w, `<script type="application/json" id="data" nonce="`, templ.EscapeString(nonce), `">`, string(text), "</script>")
	})
}

func write(w io.Writer, parts ...string) error {
	for _, part := range parts {
		if _, err := io.WriteString(w, part); err != nil {
			return err //nolint:wrapcheck // draw says which page
		}
	}
	return nil
}
