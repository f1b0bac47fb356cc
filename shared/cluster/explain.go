package cluster

import "time"

// Block is one thing that keeps a request from being met.
type Block struct {
	Code   Code   `json:"code"`
	Reason string `json:"reason"`
}

// Explain lists everything that holds the request back, not only what it met first, and what would be decided if nothing
// did (N11). That decision is a dry one.
func Explain(s State, r Request, now time.Time, decide func(State, Request, time.Time) Decision) ([]Block, Decision) {
	r.DryRun = true
	var blocks []Block
	d := decide(s, r, now)
	for lifted := map[Code]bool{}; !lifted[d.Code]; d = decide(s, r, now) {
		easier, ok := s.lift(d.Code)
		if !ok {
			break
		}
		lifted[d.Code], s = true, easier
		blocks = append(blocks, Block{d.Code, d.Reason})
	}
	return blocks, d
}

// lift is the state without what makes a decision come to this code; false if that is not for want of the right time.
func (s State) lift(code Code) (State, bool) {
	switch code {
	case Busy:
		s.Status = "COMPLETE"
	case Paused:
		s.Pause = Pause{}
	case Halted:
		s.Memory.Halt = ""
	case Cooldown:
		s.CooldownOut, s.CooldownIn = 0, 0
	case RateLimited:
		s.Policy.StepsPerHour = 0
	case NotReady:
		s.Policy.Ready = 0
	case BackOff:
		s.Status, s.Memory.Fails = "COMPLETE", 0
	case OverBudget:
		s.Policy.NodeHours = 0
	case Stabilizing:
		s.Policy.Window = 0
	case Unhealthy:
		if s.Policy.HealthyPercent == 0 {
			return s, false // it is the lower bound, and that holds for everybody
		}
		s.Policy.HealthyPercent = 0
	default:
		return s, false
	}
	return s, true
}
