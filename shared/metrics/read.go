package metrics

import (
	"strconv"
	"strings"
)

// Sample is one line of an exposition.
type Sample struct {
	Labels map[string]string
	Value  float64
}

// Read takes the samples of one metric out of an exposition in the text format 0.0.4, in their order. Lines of other
// metrics, comments, and lines that are not well formed are passed over: who reads one number need not judge the rest.
func Read(text, name string) []Sample {
	var out []Sample
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), name)
		if !ok {
			continue
		}
		if s, ok := sample(rest); ok {
			out = append(out, s)
		}
	}
	return out
}

// sample reads what follows a metric's name: {labels} value [timestamp].
func sample(text string) (Sample, bool) {
	s := Sample{Labels: map[string]string{}}
	rest := strings.TrimLeft(text, " \t")
	if inside, ok := strings.CutPrefix(rest, "{"); ok {
		if rest, ok = labels(inside, s.Labels); !ok {
			return s, false
		}
	} else if rest == text {
		return s, false // the name goes on: another metric
	}
	fields := strings.Fields(rest)
	if len(fields) != 1 && len(fields) != 2 {
		return s, false
	}
	var err error
	s.Value, err = strconv.ParseFloat(fields[0], 64)
	return s, err == nil
}

// labels reads name="value", … up to the closing brace, and gives what is behind it.
func labels(text string, into map[string]string) (rest string, ok bool) {
	for {
		text = strings.TrimLeft(text, " \t,")
		if rest, ok = strings.CutPrefix(text, "}"); ok {
			return rest, true
		}
		name, value, found := strings.Cut(text, "=")
		value, quoted := strings.CutPrefix(strings.TrimLeft(value, " \t"), `"`)
		if !found || !quoted {
			return "", false
		}
		end := quote(value)
		if end < 0 {
			return "", false
		}
		into[strings.TrimSpace(name)] = labelUnescapes.Replace(value[:end])
		text = value[end+1:]
	}
}

// quote is where the closing quote is; -1 if there is none.
func quote(text string) int {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

var labelUnescapes = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\"`, `"`)
