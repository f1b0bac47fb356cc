package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
)

// line is one connection that is kept, as from a gateway.
type line struct {
	conn net.Conn
	in   *bufio.Reader
}

func dial(ctx context.Context, network, address string) (*line, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return nil, fmt.Errorf("set deadline: %w", err)
		}
	}
	return &line{conn, bufio.NewReader(conn)}, nil
}

// ask writes a request that is ready and reads its answer. The body is kept only if it is wanted: the generator of load
// has the same processors as what it loads.
func (l *line) ask(wire []byte, body bool) (answer, error) {
	if _, err := l.conn.Write(wire); err != nil {
		return answer{}, fmt.Errorf("send: %w", err)
	}
	response, err := http.ReadResponse(l.in, nil)
	if err != nil {
		return answer{}, fmt.Errorf("read answer: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	a := answer{Status: response.StatusCode, Header: response.Header}
	if !body {
		_, err = io.Copy(io.Discard, response.Body)
	} else {
		var text []byte
		text, err = io.ReadAll(response.Body)
		a.Body = string(text)
	}
	if err != nil {
		return a, fmt.Errorf("read answer's body: %w", err)
	}
	return a, nil
}

func (l *line) close() { _ = l.conn.Close() }
