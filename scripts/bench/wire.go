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
	"strconv"
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
	return &line{conn, bufio.NewReaderSize(conn, largestAnswer)}, nil
}

// largestAnswer is room for the pages that refuse a launch, so that one arrives by one read.
const largestAnswer = 32 << 10

// ask writes a request that is ready and reads its answer.
func (l *line) ask(wire []byte) (answer, error) {
	if _, err := l.conn.Write(wire); err != nil {
		return answer{}, fmt.Errorf("send: %w", err)
	}
	response, err := http.ReadResponse(l.in, nil)
	if err != nil {
		return answer{}, fmt.Errorf("read answer: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, fmt.Errorf("read answer's body: %w", err)
	}
	return answer{Status: response.StatusCode, Header: response.Header, Body: string(text)}, nil
}

// expect asks and takes no other status. It looks at nothing else: the generator of load has the same processors as what it loads.
func (l *line) expect(wire []byte, status int) error {
	if _, err := l.conn.Write(wire); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	got, length, err := l.head()
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if got != status {
		return fmt.Errorf("the answer is %d instead of %d", got, status)
	}
	if _, err := l.in.Discard(length); err != nil {
		return fmt.Errorf("read answer's body: %w", err)
	}
	return nil
}

// head reads an answer up to its body, of which it gives the length.
func (l *line) head() (status, length int, err error) {
	first, err := l.in.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	if _, code, _ := bytes.Cut(first, []byte(" ")); len(code) > 3 {
		status, _ = strconv.Atoi(string(code[:3])) // what is none is no status that anyone expects
	}
	length = -1
	for {
		text, err := l.in.ReadSlice('\n')
		if err != nil {
			return 0, 0, err
		}
		text = bytes.TrimSpace(text)
		if len(text) == 0 {
			break
		}
		if value, ok := bytes.CutPrefix(text, []byte("Content-Length: ")); ok {
			length, _ = strconv.Atoi(string(value)) // as net/http writes it, of which all are that are asked here
		}
	}
	if length < 0 {
		return 0, 0, errors.New("it does not say how long it is")
	}
	return status, length, nil
}

func (l *line) close() { _ = l.conn.Close() }
