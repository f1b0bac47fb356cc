// An LTI 1.1 launch signed by ims-lti. It is a tool's library and has no consumer, but what it checks launches with signs
// them as well. It is wrong about ":443" in an address and about reserved characters in a secret.
import HMAC from "ims-lti/lib/hmac-sha1.js";
import { form, launch, protocol } from "./launch.js";

const { url, key, secret, fields } = await launch();
const all = { ...protocol(key), ...fields };
const address = new URL(url);
const bare = address.origin + address.pathname;
const query = Object.fromEntries(address.searchParams);
all.oauth_signature = new HMAC().build_signature_raw(bare, { query }, "POST", all, secret);
form(all);
