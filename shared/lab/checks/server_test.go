package checks_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"
)

// own is a small SSH server that runs commands as OpenSSH's does.
func (h *host) own(t *testing.T, hostKeys []any) {
	t.Helper()
	config := &ssh.ServerConfig{PublicKeyCallback: func(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		mine, err := ssh.NewPublicKey(h.Key.Public())
		if err != nil || c.User() != h.User || !bytes.Equal(key.Marshal(), mine.Marshal()) {
			return nil, errors.New("not you")
		}
		return &ssh.Permissions{}, nil
	}}
	for _, key := range hostKeys {
		signer, err := ssh.NewSignerFromKey(key)
		if err != nil {
			t.Fatal(err)
		}
		config.AddHostKey(signer)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	h.Address = l.Addr().String()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn, config)
		}
	}()
}

func serve(conn net.Conn, config *ssh.ServerConfig) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		if channel, requests, err := offered.Accept(); err == nil {
			go answer(channel, requests)
		}
	}
}

// answer runs the one command of a channel.
func answer(channel ssh.Channel, requests <-chan *ssh.Request) {
	defer channel.Close()
	for r := range requests {
		if r.Type != "exec" {
			_ = r.Reply(false, nil)
			continue
		}
		var command struct{ Text string }
		if err := ssh.Unmarshal(r.Payload, &command); err != nil {
			return
		}
		_ = r.Reply(true, nil)
		cmd := exec.Command("/bin/sh", "-c", command.Text)
		cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
		input, err := cmd.StdinPipe()
		if err != nil {
			return
		}
		go func() {
			defer input.Close()
			_, _ = io.Copy(input, channel)
		}()
		_ = cmd.Run()
		status := struct{ Code uint32 }{uint32(max(0, cmd.ProcessState.ExitCode()))}
		if s, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && s.Signaled() {
			status.Code = 128 + uint32(s.Signal())
		}
		_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(status))
		return
	}
}
