// The developer's page: the roles are in play.js, what is shown as it happens in live.js.
import { live } from "./live.js";
import { play } from "./play.js";

play();
live();
