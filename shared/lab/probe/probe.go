package probe

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
)

const (
	// budget is how long a request waits for a probe, patience how long the probe itself waits for the lab.
	budget   = 400 * time.Millisecond
	patience = 3 * time.Second
	// readyFor and notReadyFor are how long a verdict is good.
	readyFor    = time.Minute
	notReadyFor = 2 * time.Second
	// most probes run at once; what would be more is not ready yet.
	most = 64
	// kept verdicts are looked through for those that are over once there are so many.
	kept = 1024
)

// Prober probes labs and remembers what came of it. It is safe for concurrent use, and one per process is enough.
type Prober struct {
	now  function.Clock
	dial *net.Dialer
	http *http.Client

	mu       sync.Mutex
	verdicts map[target]verdict
	running  map[target]chan struct{}
}

// verdict is what a probe said, and until when that counts.
type verdict struct {
	ready bool
	until time.Time
}

// New is a prober that knows nothing yet. Loopback addresses are those of the function's own machine: only a developer whose
// cloud is there has labs behind them.
func New(now function.Clock, allowLoopback bool) *Prober {
	dialer := newDialer(allowLoopback)
	return &Prober{
		now: now, dial: dialer, http: newClient(dialer),
		verdicts: map[target]verdict{}, running: map[target]chan struct{}{},
	}
}

// Ready says whether the lab with these outputs answers as its catalogue entry asks; always if the entry asks nothing. It
// takes no longer than 400 ms, and no longer than ctx: what is not known by then is not ready.
func (p *Prober) Ready(ctx context.Context, asked lab.Probe, outputs map[string]any) bool {
	if asked.Kind == "" {
		return true
	}
	at, ok := targetOf(asked, outputs)
	if !ok {
		return false
	}
	running, known := p.begin(ctx, at)
	if running == nil {
		return known
	}
	enough := time.NewTimer(budget)
	defer enough.Stop()
	select {
	case <-running:
	case <-enough.C:
	case <-ctx.Done():
	}
	return p.known(at)
}

// begin probes the target unless somebody does, or did a moment ago: then it says what is known.
func (p *Prober) begin(ctx context.Context, at target) (running <-chan struct{}, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v, there := p.verdicts[at]; there && p.now().Before(v.until) {
		return nil, v.ready
	}
	if under, there := p.running[at]; there {
		return under, false
	}
	if len(p.running) >= most {
		return nil, false
	}
	done := make(chan struct{})
	p.running[at] = done
	// It is for everybody who asks meanwhile, and for the next look: it does not end with the request.
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	go func() {
		defer cancel()
		p.end(at, p.answers(limited, at))
	}()
	return done, false
}

func (p *Prober) end(at target, ready bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if len(p.verdicts) >= kept {
		for old, v := range p.verdicts {
			if !now.Before(v.until) {
				delete(p.verdicts, old)
			}
		}
	}
	good := notReadyFor
	if ready {
		good = readyFor
	}
	p.verdicts[at] = verdict{ready, now.Add(good)}
	close(p.running[at])
	delete(p.running, at)
}

func (p *Prober) known(at target) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := p.verdicts[at]
	return v.ready && p.now().Before(v.until)
}

// answers asks the lab itself.
func (p *Prober) answers(ctx context.Context, at target) bool {
	if at.kind == lab.ProbeHTTP {
		return p.get(ctx, at.address)
	}
	conn, err := p.dial.DialContext(ctx, "tcp", at.address)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

func (p *Prober) get(ctx context.Context, address string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return false
	}
	response, err := p.http.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close() // unread: an answer is all that counts
	return response.StatusCode < http.StatusBadRequest
}
