package stand

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	heattemplates "github.com/stackhook/stackhook/heat-templates"
	"github.com/stackhook/stackhook/shared/openstack"
)

// Furnish makes what alarms need, the cluster, and waits for it; image and flavor are the cloud's smallest.
func (s *Stand) Furnish(ctx context.Context, cloud *openstack.Cloud, image, flavor string) error {
	template, err := heattemplates.Load("cluster.yaml")
	if err != nil {
		return fmt.Errorf("load the cluster's template: %w", err)
	}
	ref, err := cloud.CreateStack(ctx, openstack.NewStack{
		Name: s.Cluster, Template: template.Text, Files: template.Files, Tags: []string{"stackhook"},
		Parameters: map[string]any{"image": image, "flavor": flavor, "cidr": "10.97.0.0/24", "app_max": 3},
	})
	if err != nil {
		return fmt.Errorf("make the cluster: %w", err)
	}
	for begun := time.Now(); time.Since(begun) < 5*time.Minute; {
		stack, err := cloud.StackParameters(ctx, ref)
		if err == nil && !stack.Busy() {
			if stack.State() != "CREATE_COMPLETE" {
				return fmt.Errorf("the cluster is %s: %s", stack.State(), stack.Reason)
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the cluster: %w", ctx.Err())
		case <-time.After(500 * time.Millisecond):
		}
	}
	return fmt.Errorf("the cluster %s is not made after five minutes", s.Cluster)
}

// Unfurnish deletes the cluster.
func (s *Stand) Unfurnish(ctx context.Context, cloud *openstack.Cloud) error {
	stack, err := cloud.FindStack(ctx, s.Cluster)
	if err == nil {
		err = cloud.DeleteStack(ctx, stack.StackRef)
	}
	if err != nil && openstack.CodeOf(err) != openstack.Gone {
		return fmt.Errorf("delete the cluster: %w", err)
	}
	return nil
}

// Site asks for a site, which GETs then look at.
func (s *Stand) Site(ctx context.Context, name string) error {
	spec := `{"hosts": {"lms": "load.example.org"}, "contact_email": "ops@example.org", "app": {"nodes": 1, "max": 2}}`
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, s.Public+"/deploy-site/sites/"+name, strings.NewReader(spec))
	if err != nil {
		return fmt.Errorf("ask for a site: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+secret+"api")
	response, err := (&http.Client{Timeout: time.Minute}).Do(request)
	if err != nil {
		return fmt.Errorf("ask for a site: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	text, _ := io.ReadAll(response.Body) // for the message alone
	if response.StatusCode != http.StatusAccepted {
		return fmt.Errorf("ask for a site: %d %s", response.StatusCode, text)
	}
	return nil
}
