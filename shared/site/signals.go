package site

import (
	"cmp"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// Signal is what a node said to the site's progress handle.
type Signal struct {
	ID, Status, Reason string
	// Data is what came along: text with JSON in it, or what Heat made of it.
	Data any
}

// Report is the last word of one node.
type Report struct {
	Role  string `json:"role"`
	Index int    `json:"index"`
	// Name is that of an application node, which has no index.
	Name   string    `json:"name,omitempty"`
	Step   string    `json:"step"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	Failed bool      `json:"failed,omitempty"`
	// Size, Mode, UUID and Seqno are of a data node's database cluster.
	Size  int    `json:"size,omitempty"`
	Mode  string `json:"mode,omitempty"`
	UUID  string `json:"uuid,omitempty"`
	Seqno int64  `json:"seqno,omitempty"`
	// Secrets is the word by which a node says which secrets it was made with; see slots.
	Secrets string `json:"-"`
	// Last are the last lines that a node which could not start has written.
	Last []string `json:"last,omitempty"`

	clusterAt, secretsAt time.Time // when the node said so
}

// modeWait is the mode of a data node that waits for the others: it serves nobody.
const modeWait = "wait"

var (
	signalTime = regexp.MustCompile(`-([0-9]{9,14})$`) // Unix time in seconds or milliseconds
	signalNode = regexp.MustCompile(`^(backend|app)-(.+)-[0-9]{9,14}$`)
)

const (
	maxReason = 300
	maxLast   = 20
)

// ReportsOf are the last words of all nodes, by role and index. What a signal says is a node's word, which is not to be
// trusted with more than telling: it is cut short, and what cannot be read is left out.
func ReportsOf(signals []Signal) []Report {
	latest := map[string]Report{}
	for _, s := range signals {
		key := signalNode.FindStringSubmatch(s.ID)
		if key == nil {
			continue
		}
		r := s.report(key[1], key[2])
		old, there := latest[key[1]+key[2]]
		switch {
		case !there:
			latest[key[1]+key[2]] = r
		case r.At.Before(old.At):
			latest[key[1]+key[2]] = old.with(r)
		default:
			latest[key[1]+key[2]] = r.with(old)
		}
	}
	return slices.SortedFunc(maps.Values(latest), func(a, b Report) int {
		return cmp.Or(-cmp.Compare(a.Role, b.Role), cmp.Compare(a.Index, b.Index), cmp.Compare(a.Name, b.Name))
	})
}

// with is the report with what an earlier one said of the database cluster and of its secrets, if it says nothing itself. Signals
// come in any order.
func (r Report) with(earlier Report) Report {
	if earlier.clusterAt.After(r.clusterAt) {
		r.Size, r.Mode, r.UUID, r.Seqno, r.clusterAt = earlier.Size, earlier.Mode, earlier.UUID, earlier.Seqno, earlier.clusterAt
	}
	if earlier.secretsAt.After(r.secretsAt) {
		r.Secrets, r.secretsAt = earlier.Secrets, earlier.secretsAt
	}
	return r
}

func (s Signal) report(role, node string) Report {
	r := Report{Role: role, Reason: short(s.Reason), Failed: s.Status == "FAILURE"}
	if unix, err := strconv.ParseInt(signalTime.FindStringSubmatch(s.ID)[1], 10, 64); err == nil {
		if unix < 1e11 {
			unix *= 1000
		}
		r.At = time.UnixMilli(unix).UTC()
	}
	var data struct {
		Step  string `json:"step"`
		Size  int    `json:"size"`
		Mode  string `json:"mode"`
		UUID  string `json:"uuid"`
		Seqno int64  `json:"seqno"`
		Last  any    `json:"last"`

		Secrets string `json:"secrets"`
	}
	if readData(s.Data, &data) {
		if r.Secrets = short(data.Secrets); r.Secrets != "" {
			r.secretsAt = r.At
		}
		r.Step, r.Size, r.Mode, r.UUID, r.Seqno = short(data.Step), data.Size, short(data.Mode), short(data.UUID), data.Seqno
		r.Last = lastLines(data.Last)
		if r.UUID != "" {
			r.clusterAt = r.At
		}
	}
	if i, err := strconv.Atoi(node); err == nil && role == "backend" {
		r.Index = i
	} else {
		r.Name = short(node)
	}
	return r
}

// Words are reason and last lines of a node that could not start, cut short.
func Words(reason string, data any) (string, []string) {
	var said struct {
		Last any `json:"last"`
	}
	if !readData(data, &said) {
		return short(reason), nil
	}
	return short(reason), lastLines(said.Last)
}

// readData reads what came with a signal, whether Heat kept it as text or not.
func readData(data, into any) bool {
	text, ok := data.(string)
	if !ok {
		b, err := json.Marshal(data)
		if err != nil {
			return false
		}
		text = string(b)
	}
	return json.Unmarshal([]byte(text), into) == nil
}

func lastLines(v any) []string {
	var list []string
	switch v := v.(type) {
	case string:
		start := 0
		for i, c := range v {
			if c == '\n' {
				list, start = append(list, v[start:i]), i+1
			}
		}
		list = append(list, v[start:])
	case []any:
		for _, item := range v {
			if text, ok := item.(string); ok {
				list = append(list, text)
			}
		}
	}
	list = slices.DeleteFunc(list, func(line string) bool { return line == "" })
	list = list[max(0, len(list)-maxLast):]
	for i := range list {
		list[i] = short(list[i])
	}
	return list
}

func short(text string) string {
	runes := []rune(text)
	for i, r := range runes {
		if r < ' ' || r == 0x7f {
			runes[i] = ' '
		}
	}
	if len(runes) > maxReason {
		return string(runes[:maxReason]) + "…"
	}
	return string(runes)
}

// Quorate says whether the data nodes other than index may carry the site alone, by their last words: both are in one
// database cluster, by UUID, and have said so since they last began.
func Quorate(reports []Report, without int) bool {
	uuid, n := "", 0
	for _, r := range reports {
		if r.Role != "backend" || r.Index == without {
			continue
		}
		if r.Failed || r.UUID == "" || r.Mode == modeWait || uuid != "" && r.UUID != uuid {
			return false
		}
		uuid = r.UUID
		n++
	}
	return n == backendNodes-1
}

// MostAdvanced is the data node with the most of the data, by the positions that the nodes reported, and whether that can
// be told: all three must have reported one, of one cluster.
func MostAdvanced(reports []Report) (index int, ok bool) {
	best, n, uuid := int64(-1), 0, ""
	for _, r := range reports {
		if r.Role != "backend" || r.UUID == "" || r.Seqno < 0 {
			continue
		}
		if uuid != "" && r.UUID != uuid {
			return 0, false
		}
		uuid = r.UUID
		if n++; r.Seqno > best {
			best, index = r.Seqno, r.Index
		}
	}
	return index, n == backendNodes && best >= 0
}
