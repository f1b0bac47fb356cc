// For mongosh: brings this node into the site's replica set, and says how in the middle of a JSON object.
//   MODE=up      waits until this member serves and the site's user can log in; makes what is missing
//   MODE=health  looks once; ends with code 0 only if this member serves and the set has a primary
//   MODE=turn, empty, replay, calm  what mongodb-backup asks: whose turn a backup is, whether there is nothing yet, and the right to
//                replay a log, given to admin and taken back
//
// A set is made by index 0 alone, and only while all three members answer and none has ever been in a set. One that is silent may
// hold the data, so nobody makes a set without it: a rebuilt node waits for its set to find it, by its name, and to fill it.
// Users are made on whoever is primary, the first one through the exception for localhost, which ends with it; later by any member
// whose volume knows the admin. Each has two names, of which SLOT says the one in use: a rotation makes the other, and the first is
// dropped when EARLIER is no more.
const env = process.env;
const index = Number(env.INDEX);
const hosts = [0, 1, 2].map((i) => `mongo-${i}.site.internal:27017`);
const local = env.MONGODB_LOCAL || '127.0.0.1:27017';
const deadline = Date.now() + 1000 * Number(env.MONGODB_WAIT || 900);
const pause = Number(env.MONGODB_PAUSE || 2000);
const slot = env.SLOT || '', other = slot ? '' : '_b', admin = `admin${slot}`, site = `openedx${slot}`;
const NotFound = 11, NoAuth = 13, WrongPassword = 18, Initialized = 23, Blank = 94;
let mode = 'start', hopeless = false;

// ask runs one command on a connection of its own, as who is logged in is part of a connection.
const ask = (host, what, user, password) => {
  const login = user ? `${user}:${encodeURIComponent(password)}@` : '';
  const mechanism = user ? '&authMechanism=SCRAM-SHA-256&authSource=admin' : '';
  let to, answer;
  try {
    to = new Mongo(`mongodb://${login}${host}/?directConnection=true&serverSelectionTimeoutMS=3000&connectTimeoutMS=3000${mechanism}`);
    answer = to.getDB('admin').runCommand(what); // returned at once, it would fail outside of the try
  } catch (e) {
    answer = {ok: 0, code: e.code, errmsg: e.message};
  }
  if (to) to.close();
  return answer;
};
const asAdmin = (what) => ask(local, what, admin, env.MONGODB_ADMIN_PASSWORD);
const asSite = (what) => ask(local, what, site, env.MONGODB_PASSWORD);

// onPrimary asks whoever is primary.
const onPrimary = (what, user = admin, password = env.MONGODB_ADMIN_PASSWORD) => {
  const hello = ask(local, {hello: 1});
  return ask(hello.primary || local, what, user, password);
};

// peer is what another member says of itself: that it is in a set, that it is blank, or nothing.
const peer = (host) => {
  const hello = ask(host, {hello: 1});
  return !hello.ok ? 'silent' : hello.setName ? 'set' : 'blank';
};

const initiate = () => {
  const members = hosts.map((host, _id) => ({_id, host}));
  const answer = ask(local, {replSetInitiate: {_id: 'openedx', members}});
  if (answer.ok) mode = 'bootstrap';
  return answer.ok || answer.code === Initialized ? 'the set was made' : `not made: ${answer.errmsg}`;
};

// blank is what to do on a member without a set.
const blank = () => {
  const status = ask(local, {replSetGetStatus: 1});
  if (status.code !== Blank) return `this volume has a set already, which does not know this node (${status.errmsg})`;
  mode = 'join';
  const those = {set: [], silent: [], blank: []};
  for (const host of hosts) { // mongosh does not wait for what a callback asks
    if (host !== hosts[index]) those[peer(host)].push(host);
  }
  if (those.set.length) return `blank: waiting to be found by the set of ${those.set.join(' and ')}`;
  if (those.silent.length) return `blank: ${those.silent.join(' and ')} do not answer, and may hold the data`;
  return index === 0 ? initiate() : `blank: waiting for ${hosts[0]} to make the set`;
};

// set makes a user, or gives it its password.
const set = (name, pwd, roles, ...as) => {
  const answer = onPrimary({usersInfo: name}, ...as);
  return answer.ok ? onPrimary({[answer.users.length ? 'updateUser' : 'createUser']: name, pwd, roles}, ...as) : answer;
};

const lacking = `the site's user cannot log in yet`;
const users = (primary) => {
  let answer = set(site, env.MONGODB_PASSWORD, ['openedx', 'cs_comments_service'].map((db) => ({role: 'readWrite', db})));
  if (answer.ok) return `the site's user was made`;
  if (answer.code !== WrongPassword) return answer.errmsg;
  for (const name of env.MONGODB_ADMIN_WAS ? ['admin', 'admin_b'] : []) {
    if (set(admin, env.MONGODB_ADMIN_PASSWORD, ['root'], name, env.MONGODB_ADMIN_WAS).ok) return 'admin has its new password';
  }
  if (!primary) return lacking;
  answer = ask(local, {createUser: admin, pwd: env.MONGODB_ADMIN_PASSWORD, roles: ['root']});
  hopeless = answer.code === NoAuth;
  if (hopeless) return 'the set has an admin with another password';
  return answer.ok ? 'admin was made' : answer.errmsg;
};

// revoked drops the users of a rotation's other side.
const revoked = () => {
  for (const name of ['openedx', 'admin']) {
    const answer = onPrimary({dropUser: name + other});
    if (!answer.ok && answer.code !== NotFound) return `${name + other} is still there: ${answer.errmsg}`;
  }
  return '';
};

// step does one thing, and says what is still missing; nothing when this member serves.
const step = () => {
  const hello = ask(local, {hello: 1});
  if (!hello.ok) return `mongod does not answer (${hello.errmsg})`;
  if (!hello.setName) return env.MODE === 'up' ? blank() : 'in no set';
  if (!hello.isWritablePrimary && !hello.secondary) return 'in the set, being filled or not yet elected';
  if (!hello.primary) return 'the set has no primary';
  if (asSite({connectionStatus: 1}).ok) return env.MODE === 'up' && !env.EARLIER ? revoked() : '';
  if (env.MODE === 'up' && (hello.isWritablePrimary || env.MONGODB_ADMIN_WAS)) return users(hello.isWritablePrimary);
  return lacking;
};

const answers = {
  turn: () => {
    const status = asAdmin({replSetGetStatus: 1});
    let last = 'unknown';
    for (const m of status.members || []) if (m.state === 2 && m.health === 1) last = m._id === index ? 'mine' : 'other';
    return last;
  },
  empty: () => {
    const databases = onPrimary({listDatabases: 1, nameOnly: true});
    return databases.ok && !databases.databases.find((d) => d.name === 'openedx') ? 'empty' : `not empty ${databases.errmsg || ''}`;
  },
  replay: () => {
    const privileges = [{resource: {anyResource: true}, actions: ['anyAction']}];
    onPrimary({createRole: 'replay', privileges, roles: []}); // may be there from a try before
    return onPrimary({grantRolesToUser: admin, roles: ['replay']}).ok ? 'granted' : '';
  },
  calm: () => (onPrimary({dropRole: 'replay'}).ok ? 'dropped' : ''),
};
if (answers[env.MODE]) {
  const answer = answers[env.MODE]();
  print(answer);
  quit(answer ? 0 : 1);
}

let said, missing;
while ((missing = step()) && env.MODE === 'up' && !hopeless && Date.now() < deadline) {
  if (missing !== said) process.stderr.write(`mongodb: ${(said = missing)}\n`);
  sleep(pause);
}
const hello = ask(local, {hello: 1});
const state = hello.isWritablePrimary ? 'PRIMARY' : hello.secondary ? 'SECONDARY' : 'OTHER';
print(missing || JSON.stringify({mode, state, primary: hello.primary || '', size: (hello.hosts || []).length}).slice(1, -1));
if (missing) quit(1);
