// Command sign-launch plays the LMS on a command line: it signs an LTI 1.1 launch and prints it, or sends it.
//
//	go run ./scripts/sign-launch -secret-file secret -url http://127.0.0.1:8080/launch-lab/launch -send
//
// Without -send it prints the form's body, to be posted within five minutes and once:
//
//	go run ./scripts/sign-launch -secret-file secret | curl --data @- http://127.0.0.1:8080/launch-lab/launch
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/lti/ltitest"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sign-launch:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("sign-launch", flag.ContinueOnError)
	address := flags.String("url", "http://127.0.0.1:8080/launch-lab/launch", "launch address, as the course settings hold it")
	key := flags.String("key", "academy", "consumer key")
	secretFile := flags.String("secret-file", "-", "file with the consumer's secret; - reads it from standard input")
	user := flags.String("user", "learner-1", "user_id of the learner")
	labKey := flags.String("lab", "", "catalogue key of the lab (custom_lab); the consumer's first if empty")
	send := flags.Bool("send", false, "post the launch and print the answer")
	fields := map[string]string{}
	flags.Func("field", "another field, as `name=value`; may be repeated", func(pair string) error {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return errors.New("want name=value")
		}
		fields[name] = value
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err //nolint:wrapcheck // flag has printed it with the usage
	}
	secret, err := read(*secretFile, in)
	if err != nil {
		return fmt.Errorf("read secret: %w", err)
	}
	launch := ltitest.New(*address, *key, secret, *user, time.Now())
	if *labKey != "" {
		launch = launch.With("custom_lab", *labKey)
	}
	for name, value := range fields {
		launch = launch.With(name, value)
	}
	if !*send {
		_, err := fmt.Fprintln(out, launch.Body())
		return err //nolint:wrapcheck // standard output
	}
	return post(ctx, launch, out)
}

func read(name string, in io.Reader) (string, error) {
	if name != "-" {
		file, err := os.Open(name) //nolint:gosec // the developer's own choice
		if err != nil {
			return "", err //nolint:wrapcheck // wrapped by the caller
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	text, err := io.ReadAll(in)
	return strings.TrimRight(string(text), "\r\n"), err //nolint:wrapcheck // wrapped by the caller
}

func post(ctx context.Context, launch ltitest.Launch, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, launch.URL, strings.NewReader(launch.Body()))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := http.Client{}
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("send launch: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	fmt.Fprintln(out, answer.Status)
	if _, err := io.Copy(out, answer.Body); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}
