package openstacktest

import (
	"net/http"
	"time"
)

// token is a project-scoped Keystone token.
type token struct {
	id      string
	issued  time.Time
	expires time.Time
	methods []string
	project string
	trust   bool // Keystone shows nothing to it, itself included
}

func (c *Cloud) routes() {
	c.route("GET /identity/{$}", c.identityVersions)
	c.route("GET /identity/v3/{$}", c.identityVersions)
	c.route("GET /identity/v3", c.identityVersions)
	c.route("POST /identity/v3/auth/tokens", c.issueToken)
	c.route("GET /identity/v3/auth/tokens", c.showToken)
	c.route("HEAD /identity/v3/auth/tokens", c.showToken)
	c.heatRoutes()
	c.novaRoutes()
	c.neutronRoutes()
	c.catalogueRoutes()
	c.cinderRoutes()
	c.lbRoutes()
	c.aodhRoutes()
}

// authorize lets a request through when it carries a live token. Keystone's own paths check for themselves.
func (c *Cloud) authorize(q *request) (reply, bool) {
	service, _ := splitService(q.URL.Path)
	if service == "identity" {
		return reply{}, true
	}
	t := c.tokens[q.Header.Get("X-Auth-Token")]
	if t == nil || !t.expires.After(c.clock.now) {
		r := reply{status: http.StatusUnauthorized, header: map[string]string{"WWW-Authenticate": "Keystone uri=" + c.base + "/identity"}}
		r.body = map[string]any{"error": map[string]any{"code": 401, "title": "Unauthorized", "message": "The request you have made requires authentication."}}
		return r, false
	}
	q.token = t
	if p := q.PathValue("project"); p != "" && p != t.project {
		// heat/api/openstack/v1/util.py: the tenant of the path must be the token's.
		return heatError(http.StatusForbidden, "Forbidden", "You are not authorized to use global_index."), false
	}
	return reply{}, true
}

func (c *Cloud) identityVersions(*request) reply {
	v := map[string]any{
		"id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z",
		"links":       []any{map[string]any{"rel": "self", "href": c.base + "/identity/v3/"}},
		"media-types": []any{map[string]any{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}},
	}
	return reply{status: http.StatusOK, body: map[string]any{"version": v, "versions": map[string]any{"values": []any{v}}}}
}

type authBody struct {
	Auth struct {
		Identity struct {
			Methods  []string `json:"methods"`
			Password struct {
				User struct {
					ID, Name, Password string
				} `json:"user"`
			} `json:"password"`
			Token struct {
				ID string `json:"id"`
			} `json:"token"`
			Credential struct {
				ID, Name, Secret string
			} `json:"application_credential"`
		} `json:"identity"`
		Scope struct {
			Project *struct {
				ID, Name string
			} `json:"project"`
		} `json:"scope"`
	} `json:"auth"`
}

func (c *Cloud) issueToken(q *request) reply {
	var in authBody
	if !q.decode(&in) || len(in.Auth.Identity.Methods) == 0 {
		return keystoneError(http.StatusBadRequest, "Expecting to find identity in auth.")
	}
	id := in.Auth.Identity
	ok := false
	switch id.Methods[0] {
	case "password":
		u := id.Password.User
		ok = (u.Name == userName || u.ID == c.userID) && u.Password == password || c.isHandle(u.ID, u.Password)
	case "application_credential":
		ok = (id.Credential.ID == credID || id.Credential.Name == "demo") && id.Credential.Secret == credSecret
	case "token":
		old := c.tokens[id.Token.ID]
		ok = old != nil && old.expires.After(c.clock.now)
	}
	if p := in.Auth.Scope.Project; ok && p != nil {
		ok = p.ID == c.projectID || p.Name == projectName
	}
	if !ok {
		return keystoneError(http.StatusUnauthorized, "The request you have made requires authentication.")
	}
	t := c.newToken(id.Methods)
	return reply{status: http.StatusCreated, body: c.tokenView(t), header: map[string]string{"X-Subject-Token": t.id}}
}

// isHandle says whether this is the user that Heat made for a wait handle with HEAT_SIGNAL: a machine logs in as that one. A real one's
// token is good for signals to its own handle alone.
func (c *Cloud) isHandle(user, password string) bool {
	for _, s := range c.stacks.byID {
		for _, r := range s.resources {
			if r.typ == "OS::Heat::WaitConditionHandle" && r.id == user && user != "" {
				return c.signalDetails(r)["password"] == password
			}
		}
	}
	return false
}

func (c *Cloud) newToken(methods []string) *token {
	t := &token{
		id: "gAAAAAB" + c.ids.hex() + c.ids.hex(), issued: c.clock.now, expires: c.clock.now.Add(c.opts.TokenLife),
		methods: methods, project: c.projectID,
	}
	c.tokens[t.id] = t
	return t
}

// showToken lets a token look at itself. A tenant may not look at another's (research: Aodh's trust token, 403).
func (c *Cloud) showToken(q *request) reply {
	auth := c.tokens[q.Header.Get("X-Auth-Token")]
	if auth == nil || !auth.expires.After(c.clock.now) {
		return keystoneError(http.StatusUnauthorized, "The request you have made requires authentication.")
	}
	if auth.trust {
		return keystoneError(http.StatusForbidden, "You are not authorized to perform the requested action: identity:validate_token.")
	}
	t := c.tokens[q.Header.Get("X-Subject-Token")]
	if t == nil || !t.expires.After(c.clock.now) {
		return keystoneError(http.StatusNotFound, "Could not find token.")
	}
	return reply{status: http.StatusOK, body: c.tokenView(t), header: map[string]string{"X-Subject-Token": t.id}}
}

func (c *Cloud) tokenView(t *token) map[string]any {
	const form = "2006-01-02T15:04:05.000000Z"
	domain := map[string]any{"id": c.domainID, "name": domainName}
	return map[string]any{"token": map[string]any{
		"methods": t.methods, "issued_at": t.issued.Format(form), "expires_at": t.expires.Format(form),
		"audit_ids": []string{c.ids.short()}, "is_domain": false, "catalog": c.catalog(t.project),
		"user":    map[string]any{"id": c.userID, "name": userName, "domain": domain, "password_expires_at": nil},
		"project": map[string]any{"id": t.project, "name": projectName, "domain": domain},
		"roles":   []any{map[string]any{"id": "1", "name": "member"}, map[string]any{"id": "2", "name": "reader"}},
	}}
}

func (c *Cloud) catalog(project string) []any {
	entries := [][3]string{
		{"identity", "keystone", "/identity/v3"},
		{"orchestration", "heat", "/heat/v1/" + project},
		{"compute", "nova", "/nova/v2.1"},
		{"network", "neutron", "/neutron"},
		{"image", "glance", "/glance"},
		{"volumev3", "cinderv3", "/cinder/v3/" + project},
		{"alarming", "aodh", "/aodh"},
	}
	if !c.opts.NoOctavia {
		entries = append(entries, [3]string{"load-balancer", "octavia", "/octavia"})
	}
	out := make([]any, 0, len(entries))
	for _, e := range entries {
		var ends []any
		for _, face := range []string{"public", "internal", "admin"} {
			ends = append(ends, map[string]any{"id": e[1] + face, "interface": face, "region": region, "region_id": region, "url": c.base + e[2]})
		}
		out = append(out, map[string]any{"id": e[1], "type": e[0], "name": e[1], "endpoints": ends})
	}
	return out
}

func keystoneError(status int, message string) reply {
	return reply{status: status, body: map[string]any{"error": map[string]any{"code": status, "title": http.StatusText(status), "message": message}}}
}

// RevokeTokens makes every token so far invalid, as a restart of Keystone with new keys does.
func (c *Cloud) RevokeTokens() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.tokens)
}

// Token issues a token for the fake's user, as a person's `openstack token issue` would.
func (c *Cloud) Token() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick()
	return c.newToken([]string{"password"}).id
}

// ForeignToken issues a token for another project of the same cloud.
func (c *Cloud) ForeignToken() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick()
	t := c.newToken([]string{"password"})
	t.project = c.ids.hex()
	return t.id
}

// TrustToken issues a token of a trust, as Aodh sends it to an action trust+https: of the fake's project, or of a foreign
// one.
func (c *Cloud) TrustToken(foreign bool) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick()
	t := c.newToken([]string{"password"})
	t.trust = true
	if foreign {
		t.project = c.ids.hex()
	}
	return t.id
}

// ProjectID is the id of the fake's project.
func (c *Cloud) ProjectID() string { return c.projectID }
