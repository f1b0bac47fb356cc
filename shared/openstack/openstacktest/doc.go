// Package openstacktest is a stateful fake OpenStack, spoken to over HTTP: Keystone, Heat, Nova, Octavia or LBaaSv2, and
// what Heat makes in Neutron, Cinder and Aodh. The real client runs against it, in tests on a clock that stands still
// between [Cloud.Advance] calls, and in the local shim on the wall clock.
//
// It uses no OpenStack library, so that it cannot share the client's mistakes. What it shows is not what the
// documentation promises but what a real cloud was seen to do (OpenStack Zed: Heat 19 with convergence); the contract
// suite in shared/openstack runs the same rows on both. In particular:
//
//   - An update is 202 even when it is lost. Heat reads a stack, works, and writes it back by compare-and-set on its
//     traversal: of two updates within [Options.PatchWindow] the second writer's is dropped without an event.
//   - An update during an update supersedes it: nested stacks are cancelled and then updated in place, servers that are
//     being built are kept.
//   - Suspend and resume at the wrong moment are answered with 200 and then fail the stack. Doing either twice is a no-op.
//   - A suspended or deleted stack refuses updates and signals with 400 NotSupported; a check makes it writable again.
//   - PATCH ignores unknown parameters and keeps what is not sent; PUT resets parameters and drops tags.
//   - A name stays taken in every state, and for two seconds after DELETE_COMPLETE can be read; that long the stack is
//     listed, too. By its full id it can be read for ever.
//   - Of several creates of one name exactly one wins. A real Heat is weaker: two or three of eight at once were made in
//     5 of 6 rounds on Zed. [Options.CreateWindow] and the fault DoubleCreate show what that does.
//   - Signals to a wait handle are stored after the answer; what cannot be read in them is dropped with a 200.
//   - Outputs are read anew each time, whatever the status: what is being made or failed has the values it got, what is not
//     begun or is being deleted has none. A wait condition's data is empty while its stack sleeps.
//   - A ResourceGroup drops its highest index, or the members of its removal list, whose names are never used again; an
//     entry that names nobody is ignored.
//   - An AutoScalingGroup drops its failed members first, one that was marked unhealthy among them, and then the oldest; marked ones
//     that are not dropped are made anew under their names. Its attributes go on speaking of them.
//   - A server has its volumes from block_device_mapping_v2 while it is there; deletion_policy Retain keeps what it names, and
//     external_id only looks at it.
//   - A type that a later release made an empty shell of ([Of]) takes any property and makes nothing, without a word.
//   - Quotas are enforced as [Quota] says. A list by tags together with another filter is a 500.
//   - A change of a pool member makes the load balancer immutable (409) for 1.4 s; two changes at once both get 200 and
//     the last one wins.
//
// It does not know: rollback, snapshots, adopt and abandon, hooks, the timeouts of single resources,
// ScalingPolicy, batches of a group's update_policy or rolling_updates, yaql, policies and roles, and the implicit dependencies between Neutron types that
// are not written in the template. Constraints that look into other services (nova.flavor, glance.image) always hold.
//
// Time is a queue of timers (clock.go); a stack is walked by a traversal (engine.go), resource types are kinds
// (kinds.go and resources_*.go), template functions are in functions.go and conditions.go, faults in faults.go.
package openstacktest
