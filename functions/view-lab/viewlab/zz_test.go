package viewlab_test
import "testing"
func TestZZ(t *testing.T) {
	s := start(t)
	ticket := s.ready(t, learner("u1"))
	waking(s, ticket)
	s.SetStackState(s.Stacks()[0].Name, "RESUME", "FAILED", "x")
	a := read(t, s.send("/reset", form(ticket)))
	t.Log(a.keys(), a.Kept, a.Note)
	w := s.send("/undo", form(a.Ticket))
	t.Log(w.Code, w.Body.String()[:200])
	s.Settle()
	b := read(t, s.ask("GET", "/status?look=stack", a.Ticket))
	if b.Ticket != "" { a.Ticket = b.Ticket }
	t.Log(b.State, b.keys(), b.Kept)
	w = s.send("/undo", form(a.Ticket))
	t.Log(w.Code, w.Body.String()[:200])
}
