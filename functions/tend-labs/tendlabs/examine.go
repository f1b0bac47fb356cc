package tendlabs

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/checks"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/lab/tender"
	"github.com/stackhook/stackhook/shared/openstack"
)

// examiner runs the scripts of checks on labs, over SSH, with the key that was made for the learner.
type examiner struct {
	scripts map[string]string // by lab and check
	keeper  *keeper.Keeper
	grades  grades.Grades
	now     function.Clock
	run     Run
}

// scriptTime is how long one script may take: a pass has less than half a minute for all.
const scriptTime = 10 * time.Second

// scripts reads the scripts of all checks, which are files of templates_dir.
func scripts(c *config.Config) (map[string]string, error) {
	out := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(c.Labs)) {
		for _, check := range c.Labs[key].Checks {
			if check.Script == "" {
				continue
			}
			if c.Templates() == nil {
				return nil, fmt.Errorf("lab %s: check %s has a script, and templates_dir is not set", key, check.Name)
			}
			text, err := fs.ReadFile(c.Templates(), check.Script)
			if err != nil {
				return nil, fmt.Errorf("lab %s: read script of check %s: %w", key, check.Name, err)
			}
			out[key+"/"+check.Name] = string(text)
		}
	}
	return out, nil
}

// Examine runs what the lab has not passed yet, and writes down what came of it, if that is new.
func (x *examiner) Examine(ctx context.Context, cloud tender.Cloud, s openstack.Stack, e lab.Entry) (string, error) {
	known := lab.ReadSignals(s.Outputs, x.now()).Results
	var results []lab.Result
	ran := 0
	var failures []error
	for _, check := range e.Checks {
		script := x.scripts[e.Key+"/"+check.Name]
		if script == "" || slices.ContainsFunc(known, func(r lab.Result) bool { return r.Check == check.Name && r.Passed }) {
			continue
		}
		result, err := x.try(ctx, s, e, check, script)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		ran++
		last := slices.IndexFunc(known, func(r lab.Result) bool { return r.Check == check.Name })
		if last >= 0 && known[last].Passed == result.Passed && known[last].Message == result.Message {
			continue
		}
		result.ID = "ssh-" + check.Name + "-" + strconv.FormatInt(x.now().Unix(), 10)
		results = append(results, result)
	}
	if len(results) > 0 {
		if _, err := x.grades.Record(ctx, cloud, s, results...); err != nil {
			failures = append(failures, fmt.Errorf("write down results: %w", err))
		}
	}
	if ran == 0 {
		return "", errors.Join(failures...)
	}
	return fmt.Sprintf("%d run, %d new results", ran, len(results)), errors.Join(failures...)
}

// try runs one script.
func (x *examiner) try(ctx context.Context, s openstack.Stack, e lab.Entry, check lab.Check, script string) (lab.Result, error) {
	key, err := x.key(ctx, s, e, check)
	if err != nil {
		return lab.Result{}, err
	}
	return x.run(ctx, checks.Target{ //nolint:wrapcheck // it says what it was doing
		Check: check.Name, Address: text(s.Outputs[check.Host]), User: check.User, HostKey: text(s.Outputs[check.HostKey]), Key: key, Time: scriptTime,
	}, script)
}

func text(output any) string {
	s, _ := output.(string)
	return s
}

var errNoKey = errors.New("the lab has no way in with key: made for the user of the check")

// key is the one that was made for the way in of the check's user.
func (x *examiner) key(ctx context.Context, s openstack.Stack, e lab.Entry, check lab.Check) (crypto.Signer, error) {
	way := slices.IndexFunc(e.Ways, func(w lab.Way) bool { return w.Kind == lab.SSH && w.Key == "made" && w.User == check.User })
	if way < 0 {
		return nil, errNoKey
	}
	ticket := keeper.Ticket{Owner: lab.Owner{Stack: lab.BaseOf(s.Tags), Lab: e.Key}, Name: s.Name, ID: s.ID}
	pem, err := x.keeper.PrivateKey(ctx, ticket, way)
	if err != nil {
		return nil, fmt.Errorf("find the key of check %s: %w", check.Name, err)
	}
	raw, err := ssh.ParseRawPrivateKey([]byte(pem))
	if err != nil {
		return nil, fmt.Errorf("read the key of check %s: %w", check.Name, err)
	}
	key, ok := raw.(crypto.Signer)
	if !ok {
		return nil, errNoKey
	}
	return key, nil
}
