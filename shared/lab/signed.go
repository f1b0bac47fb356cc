package lab

import (
	"crypto/hmac"
	"encoding/json"
	"maps"
	"strings"
	"time"
)

// macField holds our signature over a signal. Whoever is root in a lab may signal under any id, so that what only we may say
// has to show that it is ours.
const macField = "mac"

// Sign is the signal with our signature for the stack of that id.
func (s Signal) Sign(key []byte, stack string) Signal {
	data := make(map[string]any, len(s.Data)+1)
	maps.Copy(data, s.Data)
	delete(data, macField)
	if mac, ok := signature(key, stack, s.ID, data); ok {
		data[macField] = mac
	}
	s.Data = data
	return s
}

// ReadSigned is ReadSignals without what only we may say and did not: grades that were sent or given up, and the results of
// checks that we run ourselves. What a lab reports of itself needs no signature.
func ReadSigned(outputs map[string]any, key []byte, stack string, e Entry, now time.Time) Signals {
	run := map[string]bool{}
	for _, check := range e.Checks {
		run[check.Name] = check.Script != ""
	}
	data := map[string]any{}
	for id, raw := range object(outputs[SignalsOutput]) {
		fields := object(raw)
		check, _ := fields["check"].(string)
		ours := strings.HasPrefix(id, sentPrefix) || strings.HasPrefix(id, parkedPrefix) || strings.HasPrefix(id, resultPrefix) && run[check]
		if !ours || signed(key, stack, id, fields) {
			data[id] = fields
		}
	}
	return ReadSignals(map[string]any{SignalsOutput: data}, now)
}

func signed(key []byte, stack, id string, fields map[string]any) bool {
	claimed, _ := fields[macField].(string)
	data := maps.Clone(fields)
	delete(data, macField)
	mac, ok := signature(key, stack, id, data)
	return ok && hmac.Equal([]byte(mac), []byte(claimed))
}

// signature is over the data as JSON with its keys in order, which is the same again once Heat has handed it back.
func signature(key []byte, stack, id string, data map[string]any) (string, bool) {
	text, err := json.Marshal(data)
	if err != nil || len(key) == 0 {
		return "", false
	}
	return digest(key, "signal", stack, id, string(text)), true
}
