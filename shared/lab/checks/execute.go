package checks

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"golang.org/x/crypto/ssh"
)

// ending is how a script ended.
type ending struct {
	code int
	hint string
}

// command reads a script from standard input into a folder of its own and runs it there. The words within are for sh: the user's
// own shell, whichever it is, sees one quoted text. timeout(1) ends what is left when we have hung up.
func command(limit time.Duration) string {
	return fmt.Sprintf(`sh -c 'd=$(mktemp -d) && cat >"$d/check" && chmod 700 "$d/check" || exit 125
cd "$d" || exit 125
t=
if command -v timeout >/dev/null; then t="timeout %d"; fi
$t ./check </dev/null
code=$?
cd / && rm -rf "$d"
exit $code'`, max(1, int(limit/time.Second)))
}

// execute runs the script in a channel of its own.
func execute(client *ssh.Client, script string, limit time.Duration) (ending, error) {
	session, err := client.NewSession()
	if err != nil {
		return ending{}, fmt.Errorf("%w: %w", ErrLost, err)
	}
	defer session.Close()
	written := &tail{hangUp: client.Close}
	session.Stdin, session.Stdout, session.Stderr = strings.NewReader(script), counter{written}, written
	err = session.Run(command(limit))
	var exit *ssh.ExitError
	switch {
	case written.tooMuch():
		return ending{}, ErrOutput
	case err == nil:
		return ending{hint: written.lastLine()}, nil
	case errors.As(err, &exit):
		return ending{code: exit.ExitStatus(), hint: written.lastLine()}, nil
	}
	return ending{}, fmt.Errorf("%w: %w", ErrLost, err)
}

// maxHint is how long a hint may be, in characters.
const maxHint = 500

// clean is a hint that may stand on a page: of what is no text, nothing.
func clean(line string) string {
	line = strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r == unicode.ReplacementChar || !unicode.IsPrint(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(line, "")))
	if runes := []rune(line); len(runes) > maxHint {
		return string(runes[:maxHint-1]) + "…"
	}
	return line
}
