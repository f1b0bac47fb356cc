package heattemplates_test

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A real mongod cannot be had here (SSPL, not in Debian). These three members speak its wire protocol, and know of a replica set
// what mongodb.js relies on: the states, the error codes, the exception for localhost, and SCRAM-SHA-256.

// memberState is what a member is at the moment.
type memberState int

const (
	memberBlank     memberState = iota // no data, no set
	memberFilling                      // in the set, in its initial sync
	memberSecondary                    //
	memberPrimary                      //
	memberRemoved                      // has data of a set that does not know it
)

const (
	codeUserNotFound   = 11
	codeUnauthorized   = 13
	codeWrongPassword  = 18
	codeInitialized    = 23
	codeNotInSet       = 93
	codeBlank          = 94
	codeIncompatible   = 103
	codeNotPrimary     = 10107
	codeNoSuchCommand  = 59
	codeDuplicateUser  = 51003
	setName            = "openedx"
	opQuery, opMessage = 2004, 2013
)

type mongoSet struct {
	t       *testing.T
	mu      sync.Mutex
	members [3]*mongoMember
	users   map[string]string
	roles   map[string]string
	config  []string
	elect   int      // who wins the first election
	data    []string // databases
	log     []string // "<index> <command>", of what changes something
}

type mongoMember struct {
	set         *mongoSet
	index       int
	state       memberState
	down        bool
	peer, local net.Listener
}

func newMongoSet(t *testing.T) *mongoSet {
	t.Helper()
	s := &mongoSet{t: t, users: map[string]string{}, roles: map[string]string{}}
	for i := range s.members {
		m := &mongoMember{set: s, index: i}
		s.members[i] = m
		m.peer, m.local = m.listen(false), m.listen(true)
	}
	return s
}

// listen opens one of the member's addresses: the peers', or the local one, where the first user may be made.
func (m *mongoMember) listen(local bool) net.Listener {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		m.set.t.Fatal(err)
	}
	m.set.t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go m.serve(c, local)
		}
	}()
	return listener
}

// hosts are the names that members have, and where they are: what /etc/hosts says on a node.
func (s *mongoSet) host(i int) string { return fmt.Sprintf("mongo-%d.site.internal:27017", i) }

// become is what happens to a member from outside the scripts.
func (s *mongoSet) become(i int, state memberState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members[i].state = state
}

func (s *mongoSet) off(i int, down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members[i].down = down
}

func (s *mongoSet) changes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

func (s *mongoSet) password(user string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.users[user]
}

// conversation is one connection: who has logged in, and a login under way.
type conversation struct {
	member       *mongoMember
	local        bool
	user, trying string
	client       string // the client's first message, bare
	server       string // our first
}

func (m *mongoMember) serve(c net.Conn, local bool) {
	defer func() { _ = c.Close() }()
	talk := &conversation{member: m, local: local}
	for {
		header := make([]byte, 16)
		if _, err := io.ReadFull(c, header); err != nil {
			return
		}
		body := make([]byte, binary.LittleEndian.Uint32(header)-16)
		if _, err := io.ReadFull(c, body); err != nil {
			return
		}
		answer, err := talk.answer(header, body)
		if err != nil {
			return // as a mongod that is down, or one that does not understand
		}
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}

func (c *conversation) answer(header, body []byte) ([]byte, error) {
	le := binary.LittleEndian
	var command doc
	var err error
	var prefix []byte
	op := le.Uint32(header[12:])
	switch op {
	case opQuery: // the driver's first hello: flags, collection, skip, number, document
		_, rest, e := cString(body[4:])
		if e != nil || len(rest) < 8 {
			return nil, errBSON
		}
		command, _, err = decode(rest[8:])
		op, prefix = 1, append(make([]byte, 16), 1, 0, 0, 0) // flags, cursor, from, one document
	case opMessage:
		command, _, err = decode(body[5:])
		prefix = make([]byte, 5)
	default:
		return nil, errBSON
	}
	if err != nil || len(command) == 0 {
		return nil, errors.Join(err, errBSON)
	}
	reply, err := c.run(command)
	if err != nil {
		return nil, err
	}
	text := slices.Concat(prefix, reply.encode())
	out := le.AppendUint32(nil, uint32(16+len(text)))
	out = le.AppendUint32(out, 1)
	out = append(out, header[4:8]...) // the answer to that request
	out = le.AppendUint32(out, op)
	return append(out, text...), nil
}

func refusal(code int, text string) doc {
	return doc{{"ok", 0.0}, {"code", code}, {"codeName", fmt.Sprint("Code", code)}, {"errmsg", text}}
}

var fine = doc{{"ok", 1.0}}

var errDown = errors.New("down")

func (c *conversation) run(command doc) (doc, error) {
	s, m := c.member.set, c.member
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.down {
		return nil, errDown
	}
	switch name := command[0].name; name {
	case "hello", "ismaster", "isMaster":
		return m.hello(), nil
	case "ping", "endSessions", "buildInfo", "getParameter", "getCmdLineOpts", "getLog", "atlasVersion":
		return fine, nil
	case "saslStart", "saslContinue":
		return c.login(command)
	case "connectionStatus":
		return doc{{"authInfo", doc{{"authenticatedUsers", []any{doc{{"user", c.user}}}}}}, {"ok", 1.0}}, nil
	case "replSetGetStatus":
		return c.status(), nil
	case "replSetInitiate":
		return c.initiate(command), nil
	case "listDatabases":
		return c.databases(), nil
	case "createRole", "dropRole", "grantRolesToUser":
		return c.right(name), nil
	case "usersInfo", "createUser", "updateUser", "dropUser":
		return c.manage(name, command), nil
	default:
		return refusal(codeNoSuchCommand, "no such command: "+name), nil
	}
}

func (m *mongoMember) hello() doc {
	s := m.set
	answer := doc{
		{"helloOk", true},
		{"maxBsonObjectSize", 16777216},
		{"maxMessageSizeBytes", 48000000},
		{"maxWriteBatchSize", 100000},
		{"minWireVersion", 0},
		{"maxWireVersion", 21},
		{"logicalSessionTimeoutMinutes", 30},
		{"ok", 1.0},
		{"isWritablePrimary", m.state == memberPrimary},
		{"ismaster", m.state == memberPrimary},
		{"secondary", m.state == memberSecondary},
	}
	if m.state == memberBlank || m.state == memberRemoved { // mongod says the same of both
		return append(answer, field{"info", "Does not have a valid replica set config"}, field{"isreplicaset", true})
	}
	hosts := []any{}
	for _, host := range s.config {
		hosts = append(hosts, host)
	}
	answer = append(answer, field{"setName", setName}, field{"setVersion", 1}, field{"hosts", hosts}, field{"me", s.host(m.index)})
	for _, other := range s.members {
		if other.state == memberPrimary && !other.down {
			answer = append(answer, field{"primary", s.host(other.index)})
		}
	}
	return answer
}

// may is what one that has not logged in may do: nothing, but on the machine itself as long as there is no user.
func (c *conversation) may() bool {
	holds := c.member.state != memberBlank && c.member.state != memberFilling
	return c.admin() || c.local && (!holds || len(c.member.set.users) == 0)
}

// admin says that who has logged in is the administrator, by either name, and has not been dropped since.
func (c *conversation) admin() bool {
	_, there := c.member.set.users[c.user]
	return there && strings.TrimSuffix(c.user, "_b") == "admin"
}

func (c *conversation) status() doc {
	switch m := c.member; {
	case !c.may():
		return refusal(codeUnauthorized, "command replSetGetStatus requires authentication")
	case m.state == memberBlank:
		return refusal(codeBlank, "no replset config has been received")
	case m.state == memberRemoved:
		return refusal(codeNotInSet, "Our replica set config is invalid or we are not a member of it")
	}
	members := []any{}
	for i, other := range c.member.set.members {
		state := map[memberState]int{memberPrimary: 1, memberSecondary: 2, memberFilling: 5}[other.state]
		health := 1.0
		if other.down {
			state, health = 8, 0
		}
		members = append(members, doc{{"_id", i}, {"state", state}, {"health", health}})
	}
	return doc{{"members", members}, {"ok", 1.0}}
}

func (c *conversation) databases() doc {
	if !c.admin() {
		return refusal(codeUnauthorized, "not authorized")
	}
	list := []any{}
	for _, name := range c.member.set.data {
		list = append(list, doc{{"name", name}})
	}
	return doc{{"databases", list}, {"ok", 1.0}}
}

// right is what admin does to its own rights, which only the primary takes.
func (c *conversation) right(name string) doc {
	if !c.admin() || c.member.state != memberPrimary {
		return refusal(codeUnauthorized, "not authorized, or not primary")
	}
	c.member.set.log = append(c.member.set.log, fmt.Sprint(c.member.index, " ", name))
	return fine
}

func (c *conversation) initiate(command doc) doc {
	s, m := c.member.set, c.member
	if !c.may() {
		return refusal(codeUnauthorized, "command replSetInitiate requires authentication")
	}
	if m.state != memberBlank {
		return refusal(codeInitialized, "already initialized")
	}
	wanted, _ := command.get("replSetInitiate").(doc)
	list, _ := wanted.get("members").([]any)
	hosts := make([]string, 0, len(list))
	for _, item := range list {
		d, _ := item.(doc)
		hosts = append(hosts, d.text("host"))
	}
	for i, other := range s.members {
		if other.down || len(hosts) != 3 || hosts[i] != s.host(i) || wanted.text("_id") != setName {
			return refusal(codeIncompatible, fmt.Sprintf("Our set name, or a host of %v, is not reachable", hosts))
		}
		if other.state != memberBlank {
			return refusal(codeIncompatible, fmt.Sprintf("'%s' has data already, cannot initiate set.", s.host(i)))
		}
	}
	s.log = append(s.log, fmt.Sprint(m.index, " replSetInitiate"))
	s.config = hosts
	for i, other := range s.members {
		other.state = memberSecondary
		if i == s.elect {
			other.state = memberPrimary
		}
	}
	return fine
}

func (c *conversation) manage(name string, command doc) doc {
	s := c.member.set
	user := command.text(name)
	_, known := s.users[user]
	switch {
	case !c.may() || c.user == "" && name != "createUser":
		return refusal(codeUnauthorized, "command "+name+" requires authentication")
	case name == "usersInfo" && known:
		return doc{{"users", []any{doc{{"user", user}}}}, {"ok", 1.0}}
	case name == "usersInfo":
		return doc{{"users", []any{}}, {"ok", 1.0}}
	case c.member.state != memberPrimary:
		return refusal(codeNotPrimary, "not primary")
	case known && name == "createUser":
		return refusal(codeDuplicateUser, "User already exists")
	case !known && name != "createUser":
		return refusal(codeUserNotFound, "User not found")
	}
	if name == "dropUser" {
		delete(s.users, user)
		s.log = append(s.log, fmt.Sprint(c.member.index, " ", name, " ", user))
		return fine
	}
	s.users[user] = command.text("pwd")
	s.roles[user] = fmt.Sprint(command.get("roles"))
	s.log = append(s.log, fmt.Sprint(c.member.index, " ", name, " ", user))
	return fine
}

// login is SCRAM-SHA-256, RFC 5802 and 7677.
func (c *conversation) login(command doc) (doc, error) {
	payload, _ := command.get("payload").(bsonBinary)
	salt, err := base64.StdEncoding.DecodeString("c2FsdCBvZiBhIHRlc3Qu")
	if err != nil {
		return nil, err
	}
	const rounds = 4096
	if command[0].name == "saslStart" {
		if c.member.state != memberPrimary && c.member.state != memberSecondary {
			return refusal(codeWrongPassword, "Authentication failed."), nil
		}
		c.client = strings.TrimPrefix(string(payload), "n,,")
		c.trying = strings.TrimPrefix(strings.Split(c.client, ",")[0], "n=")
		nonce := strings.TrimPrefix(strings.Split(c.client, ",")[1], "r=") + rand.Text()
		c.server = fmt.Sprintf("r=%s,s=%s,i=%d", nonce, base64.StdEncoding.EncodeToString(salt), rounds)
		return doc{{"conversationId", 1}, {"done", false}, {"payload", bsonBinary(c.server)}, {"ok", 1.0}}, nil
	}
	if len(payload) == 0 {
		return doc{{"conversationId", 1}, {"done", true}, {"payload", bsonBinary("")}, {"ok", 1.0}}, nil
	}
	salted, err := pbkdf2.Key(sha256.New, c.member.set.users[c.trying], salt, rounds, 32)
	if err != nil {
		return nil, err
	}
	bare, proof, _ := strings.Cut(string(payload), ",p=")
	message := c.client + "," + c.server + "," + bare
	stored := sha256.Sum256(keyed(salted, "Client Key"))
	want := keyed(salted, "Client Key")
	for i, b := range keyed(stored[:], message) {
		want[i] ^= b
	}
	if c.member.set.users[c.trying] == "" || base64.StdEncoding.EncodeToString(want) != proof {
		return refusal(codeWrongPassword, "Authentication failed."), nil
	}
	c.user = c.trying
	signature := base64.StdEncoding.EncodeToString(keyed(keyed(salted, "Server Key"), message))
	return doc{{"conversationId", 1}, {"done", true}, {"payload", bsonBinary("v=" + signature)}, {"ok", 1.0}}, nil
}

func keyed(key []byte, message string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(message))
	return mac.Sum(nil)
}
