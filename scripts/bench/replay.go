package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// replay is a cloud that takes next to nothing of the processors: what is read is asked of the fake cloud once, and the same
// bytes are the answer from then on. Everything else, such as a login, goes to the fake cloud each time.
type replay struct {
	listener net.Listener
	behind   string // the fake cloud's address
	client   http.Client

	mu   sync.Mutex
	kept map[string][]byte // whole answers, by method and path
	open []net.Conn
}

func newReplay(ctx context.Context, of *openstacktest.Cloud) (*replay, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	p := &replay{listener: listener, behind: of.URL(), client: http.Client{Timeout: 10 * time.Second}, kept: map[string][]byte{}}
	go p.accept(context.WithoutCancel(ctx))
	return p, nil
}

func (p *replay) url() string { return "http://" + p.listener.Addr().String() }

// before is s with this cloud in the place of its own.
func (p *replay) before(s *stage) *stage {
	front := *s
	front.env = append(slices.Clone(s.env), "OS_AUTH_URL="+p.url()+"/identity/v3")
	return &front
}

// close ends the connections too.
func (p *replay) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.open {
		_ = conn.Close()
	}
}

func (p *replay) accept(ctx context.Context) {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.open = append(p.open, conn)
		p.mu.Unlock()
		go func() { _ = p.serve(ctx, conn) }() // whoever asked says what was wrong with the answer
	}
}

func (p *replay) serve(ctx context.Context, conn net.Conn) error {
	in := bufio.NewReader(conn)
	for {
		asked, err := http.ReadRequest(in)
		if err != nil {
			return errors.Join(err, conn.Close())
		}
		answer, err := p.answer(ctx, asked)
		if err == nil {
			_, err = conn.Write(answer)
		}
		if err != nil {
			return errors.Join(err, conn.Close())
		}
	}
}

func (p *replay) answer(ctx context.Context, asked *http.Request) ([]byte, error) {
	name := asked.Method + " " + asked.RequestURI
	p.mu.Lock()
	answer, known := p.kept[name]
	p.mu.Unlock()
	if known {
		return answer, nil
	}
	answer, status, err := p.ask(ctx, asked)
	if err == nil && asked.Method == http.MethodGet && status == http.StatusOK {
		p.mu.Lock()
		p.kept[name] = answer
		p.mu.Unlock()
	}
	return answer, err
}

// ask hands a request on. The addresses in the answer, those of the catalog among them, become our own.
func (p *replay) ask(ctx context.Context, asked *http.Request) (answer []byte, status int, err error) {
	onward, err := http.NewRequestWithContext(ctx, asked.Method, p.behind+asked.RequestURI, asked.Body) //nolint:gosec // the fake cloud, for a program that we started
	if err != nil {
		return nil, 0, fmt.Errorf("hand on request: %w", err)
	}
	onward.Header, onward.ContentLength = asked.Header, asked.ContentLength
	response, err := p.client.Do(onward) //nolint:gosec // as above
	if err != nil {
		return nil, 0, fmt.Errorf("hand on request: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, 0, fmt.Errorf("read answer: %w", err)
	}
	body = bytes.ReplaceAll(body, []byte(p.behind), []byte(p.url()))
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	var text bytes.Buffer
	if err := response.Write(&text); err != nil {
		return nil, 0, fmt.Errorf("keep answer: %w", err)
	}
	return text.Bytes(), response.StatusCode, nil
}
