package openstacktest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// class is how many labs the fake must hold without getting slow.
const class = 10_000

const smallLab = `
heat_template_version: 2018-03-02
resources: {v: {type: OS::Heat::Value, properties: {value: a}}}
outputs: {v: {value: {get_attr: [v, value]}}}
`

// BenchmarkClass makes a class of labs and then lists it, counts it, and finds one of it.
func BenchmarkClass(b *testing.B) {
	var o openstacktest.Options
	fake, err := openstacktest.New(o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(fake.Close)
	env := fake.Env()
	cloud, err := openstack.New(openstack.Options{Getenv: func(name string) string { return env[name] }})
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	fill(ctx, b, cloud, 0, class)
	fake.Settle()

	b.Run("create", func(b *testing.B) {
		n := class
		for b.Loop() {
			fill(ctx, b, cloud, n, 1)
			n++
		}
	})
	b.Run("settle one more", func(b *testing.B) {
		for b.Loop() {
			fake.Settle()
		}
	})
	b.Run("list all", func(b *testing.B) {
		for b.Loop() {
			n := 0
			for _, err := range cloud.Stacks(ctx, "stackhook") {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
			if n < class {
				b.Fatalf("listed %d", n)
			}
		}
	})
	b.Run("count", func(b *testing.B) {
		for b.Loop() {
			if n, err := cloud.CountStacks(ctx, openstack.StackFilter{AnyTags: []string{"stackhook"}}); err != nil || n < class {
				b.Fatal(n, err)
			}
		}
	})
	b.Run("find by name", func(b *testing.B) {
		for b.Loop() {
			if _, err := cloud.FindStack(ctx, "lab-00042"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("find by owner", func(b *testing.B) {
		for b.Loop() {
			for s, err := range cloud.StacksWhere(ctx, openstack.StackFilter{AnyTags: []string{"owner=lab-00042", "warm=none"}}) {
				if err != nil || s.Name != "lab-00042" {
					b.Fatal(s.Name, err)
				}
			}
		}
	})
}

func fill(ctx context.Context, b *testing.B, cloud *openstack.Cloud, from, n int) {
	b.Helper()
	for i := from; i < from+n; i++ {
		name := fmt.Sprintf("lab-%05d", i)
		_, err := cloud.CreateStack(ctx, openstack.NewStack{Name: name, Template: smallLab, Tags: []string{"stackhook", "lab=web", "owner=" + name}})
		if err != nil {
			b.Fatal(err)
		}
	}
}
