// An LTI 1.1 launch signed by oauth-signature.
import oauth from "oauth-signature";
import { form, launch, protocol } from "./launch.js";

const { url, key, secret, fields } = await launch();
const all = { ...protocol(key), ...fields };
all.oauth_signature = oauth.generate("POST", url, all, secret, undefined, { encodeSignature: false });
form(all);
