package stand

import "fmt"

// labTemplate is a lab that a small cloud makes in a moment: a word, and the handle that heartbeats are sent to. Its address tells
// whose it is.
const labTemplate = `heat_template_version: 2018-08-31
description: A lab of a word and a handle, for load.
resources:
  word: {type: OS::Heat::RandomString, properties: {length: 24}}
  signals: {type: OS::Heat::WaitConditionHandle}
outputs:
  lab_url: {value: {list_join: ["", ["http://127.0.0.1/", {get_attr: [word, value]}]]}}
`

// secret is nobody's: everything here is on loopback, for as long as the load lasts.
const secret = "a-secret-for-load-on-loopback-only-"

func settings(public, store, issuer, templates, cluster string, replicas int) string {
	return fmt.Sprintf(`public_url: %[1]s
naming_key: %[6]snaming
seal_keys: [{id: load, secret: %[6]sseal}]
store: %[2]s
replicas: %[7]d
templates_dir: %[4]s
lti:
  consumers: [{key: load, secret: %[6]slti, labs: [load]}]
  platforms:
    - {issuer: %[3]q, client_id: load, deployments: ["1"], auth_url: "%[3]s/auth", jwks_url: "%[3]s/jwks.json", tenant: load, labs: [load]}
labs:
  load:
    title: A word
    template: load.yaml
    idle_timeout: 1h
    lifetime: 8h
    access: [{kind: url, output: lab_url, title: Read it}]
clusters:
  %[5]s: {min: 1, max: 3, cooldown_out: 20s, cooldown_in: 20s, auth: [{kind: bearer, token: %[6]salarm}]}
sites: {defaults: {image: debian-12, app_flavor: m1.small, backend_flavor: m1.large, external_network: public}}
api:
  tokens: [{name: load, token: %[6]sapi, may: [sites, clusters, metrics]}]
`, public, store, issuer, templates, cluster, secret, replicas)
}
