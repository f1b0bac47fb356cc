package page

import (
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
)

// Status is a lab's status as pages and view-lab's JSON show it: codes for programs, words for people.
type Status struct {
	State    lab.State `json:"state"`
	Headline string    `json:"headline"`
	Text     string    `json:"text,omitempty"`
	Step     string    `json:"step,omitempty"`
	Steps    []Step    `json:"steps"`
	Percent  int       `json:"percent"`
	ETA      int       `json:"eta_seconds,omitempty"`
	ETAText  string    `json:"eta_text,omitempty"`
	// Elapsed and Expected are how long the lab has been in the making, and how long such labs take.
	Elapsed      int        `json:"elapsed_seconds,omitempty"`
	Expected     int        `json:"expected_seconds,omitempty"`
	ExpectedText string     `json:"expected_text,omitempty"`
	Reason       *Reason    `json:"reason,omitempty"`
	Access       []Access   `json:"access"`
	Expires      *time.Time `json:"expires_at,omitempty"`
	// Note is said besides the reason.
	Note string `json:"note,omitempty"`
	// Place is where in line the learner is; 1 is next.
	Place int `json:"place,omitempty"`
	// Kept is until when the lab before the last reset is kept.
	Kept *Moment `json:"kept,omitempty"`
	// Meanwhile says that the old lab may be used as long as this one is in the making.
	Meanwhile bool `json:"meanwhile,omitempty"`
	// Times are what else there is to come.
	Times  []Moment `json:"times,omitempty"`
	Budget *Budget  `json:"budget,omitempty"`
	Checks *Checks  `json:"checks,omitempty"`
	// Wake says that the learner may start the sleeping lab.
	Wake bool `json:"wake,omitempty"`
	// Actions are what the learner may do to the lab.
	Actions []Action `json:"actions"`
	// Next is what the page does next; none if nothing changes by itself any more.
	Next *Next `json:"next,omitempty"`
	// Ticket replaces the page's ticket, when there is a newer one.
	Ticket string `json:"ticket,omitempty"`

	expiresText string
}

// Step is one line of the list.
type Step struct {
	Key       lab.StepKey   `json:"key"`
	Title     string        `json:"title"`
	State     lab.StepState `json:"state"`
	StateText string        `json:"state_text"`
}

// Reason is a code with its sentence.
type Reason struct {
	Code lab.Reason `json:"code"`
	Text string     `json:"text"`
}

// Access is a way in.
type Access struct {
	lab.Access
	// Command is what to type for ssh.
	Command string `json:"command,omitempty"`
}

// Action is a button, posted to base/key. What it asks before it does anything is in Confirm; nothing if that is empty.
type Action struct {
	Key     lab.Act `json:"key"`
	Title   string  `json:"title"`
	Confirm string  `json:"confirm,omitempty"`
	Note    string  `json:"note,omitempty"`
}

// Next is the request that tells more.
type Next struct {
	Method  string `json:"method"`
	URL     string `json:"url"`
	AfterMS int64  `json:"after_ms"`
}

// Base is where view-lab's routes begin for browsers: the path of publicURL/view-lab. Pages use paths, so that they work
// under any name of the host by which they were reached.
func Base(publicURL string) string {
	path := ""
	if u, err := url.Parse(publicURL); err == nil {
		path = strings.TrimRight(u.EscapedPath(), "/")
	}
	return path + "/view-lab"
}

// NewStatus puts a status into words.
func NewStatus(s lab.Status, base string, texts Texts) Status {
	state := texts.States[string(s.State)]
	out := Status{
		State: s.State, Headline: state.Headline, Text: state.Text, Step: texts.Steps[string(s.Step)],
		Steps: make([]Step, len(s.Steps)), Percent: s.Percent, Access: make([]Access, len(s.Access)),
		ETA: int(s.ETA / time.Second), ETAText: texts.Left(s.ETA), Wake: s.State == lab.Suspended && s.Reason == "",
		Elapsed: int(s.Elapsed / time.Second), Expected: int(s.Expected / time.Second), Actions: make([]Action, len(s.Actions)),
	}
	if s.State == lab.Starting || s.State == lab.Building || s.State == lab.Resuming {
		out.ExpectedText = texts.Pace(s.Elapsed, s.Expected)
	}
	for i, act := range s.Actions {
		out.Actions[i] = action(act, s, texts)
	}
	for i, step := range s.Steps {
		out.Steps[i] = Step{step.Key, texts.Steps[string(step.Key)], step.State, texts.StepIs[string(step.State)]}
	}
	for i, a := range s.Access {
		if a.Title == "" {
			a.Title = texts.Ways[string(a.Kind)]
		}
		out.Access[i] = Access{Access: a, Command: command(a)}
	}
	if headline := texts.Refused[string(s.Reason)]; headline != "" && s.State == lab.Gone {
		out.Headline = headline
	}
	if s.Reason != "" {
		out.Reason = &Reason{s.Reason, texts.Reasons[string(s.Reason)]}
		if s.State == lab.Gone && slices.Contains(s.Actions, lab.ActReset) {
			out.Reason.Text = texts.Word["ended"] // the sentence sends to the course, and here is a button
		}
		if s.Reason == lab.NoWayIn {
			out.Text = "" // it would say to choose one
		}
	}
	if !s.ExpiresAt.IsZero() {
		at := s.ExpiresAt.UTC().Truncate(time.Second)
		out.Expires, out.expiresText = &at, texts.At(at)
	}
	out.line(s, texts)
	out.generations(s, texts)
	out.times(s, texts)
	out.budget(s, texts)
	out.checks(s, texts)
	out.Next = next(s.Poll, base)
	return out
}

// action puts an act into words. It asks first where something may be lost that nobody can bring back. Where a lab has ended
// there is nothing to lose: a reset is a new lab.
func action(act lab.Act, s lab.Status, texts Texts) Action {
	text := texts.Acts[string(act)]
	switch act {
	case lab.ActReset:
		text = texts.Acts[resetOf(s)]
	case lab.ActUndo:
		if s.Undo == nil || s.Rebuild != nil { // this is the old lab
			text = texts.Acts["stay"]
		}
		if s.State != lab.Ready && s.State != lab.Suspended { // nobody has worked in the new one yet
			text.Confirm = ""
		}
	case lab.ActExtend, lab.ActSuspend, lab.ActEnd, lab.ActCheck:
	}
	return Action{Key: act, Title: text.Title, Confirm: text.Confirm, Note: text.Note}
}

// resetOf says which words a reset takes.
func resetOf(s lab.Status) string {
	switch {
	case s.State == lab.Gone:
		return "new"
	case !s.Keeps:
		return "reset"
	case s.Undo != nil && s.Rebuild == nil:
		return "reset_again"
	}
	return "reset_kept"
}

func next(p lab.Poll, base string) *Next {
	switch {
	case p.Start:
		return &Next{Method: "POST", URL: base + "/start", AfterMS: p.After.Milliseconds()}
	case p.Look == "":
		return nil
	case p.Look == lab.LookName:
		return &Next{Method: "GET", URL: base + "/status", AfterMS: p.After.Milliseconds()}
	default:
		return &Next{Method: "GET", URL: base + "/status?look=" + string(p.Look), AfterMS: p.After.Milliseconds()}
	}
}

// KeyFile is what the private key of a stack's lab is called when it is downloaded.
func KeyFile(stack string) string { return stack + ".pem" }

// UseKey puts the key's file into what is to be typed for ssh, where there is a key to download.
func (s *Status) UseKey(file string) {
	for i, a := range s.Access {
		if login, ok := strings.CutPrefix(a.Command, "ssh "); ok && a.HasKey {
			s.Access[i].Command = "ssh -i " + file + " " + login
		}
	}
}

func command(a lab.Access) string {
	if a.Kind != lab.SSH {
		return ""
	}
	host := a.Host
	if ip := net.ParseIP(host); ip != nil {
		host = ip.String()
	}
	return "ssh " + a.User + "@" + host
}
