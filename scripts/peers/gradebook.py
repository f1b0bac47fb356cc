#!/usr/bin/python3
"""A grade book on Debian's python3-lti, oauthlib and PyJWT: LTI 1.1 outcomes and LTI 1.3 scores.

    gradebook.py OPTIONS    (JSON: see GradebookOptions in gradebook.go)

Says where it is in a line of JSON, then takes commands in lines of JSON, as lines.js does. Whatever it does not take is
answered as an LMS would and kept with its reason.
"""
import base64
import hashlib
import json
import re
import secrets
import sys
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs, unquote

import jwt
from lti.outcome_request import OutcomeRequest
from lti.outcome_response import OutcomeResponse
from oauthlib.oauth1.rfc5849 import signature, utils

options = json.loads(sys.argv[1])
SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/"
grades, refused, tokens, times = [], [], {}, {}
lock = threading.Lock()


class Refusal(Exception):
    pass


def need(truth, reason):
    if not truth:
        raise Refusal(reason)


def check_signature(address, header, body):
    """RFC 5849 over the header's parameters and the address, and the hash of the body."""
    need(header.startswith("OAuth "), "there is no OAuth header")
    params = dict(utils.parse_authorization_header(header))
    params = {name: unquote(value) for name, value in params.items()}
    given = params.pop("oauth_signature", "")
    need(params.get("oauth_consumer_key") == options["key"], "the key is another")
    need(params.get("oauth_body_hash") == base64.b64encode(hashlib.sha1(body).digest()).decode(), "the body hash is wrong")
    signed = list(params.items())
    query = address.partition("?")[2]
    signed += signature.collect_parameters(uri_query=query) if query else []
    request = SimpleNamespace(uri=address, http_method="POST", params=signed, signature=given)
    need(signature.verify_hmac_sha1(request, options["secret"]), "the signature does not hold")


def outcome(address, headers, body):
    answer = OutcomeResponse(message_identifier="m", severity="status", description="", operation="replaceResult")
    try:
        check_signature(address, headers.get("Authorization", ""), body)
        need(headers.get("Content-Type") == "application/xml", "the media type is wrong")
        request = OutcomeRequest()
        request.process_xml(body)
        need(request.is_replace_request(), "it is no replaceResult")
        who = str(request.lis_result_sourcedid)
        with lock:
            grades.append({"who": who, "score": float(request.score)})
        answer.code_major, answer.description = "success", "Score for " + who + " is now " + request.score
    except Refusal as reason:
        with lock:
            refused.append(str(reason))
        answer.code_major, answer.description = "failure", "OAuth: " + str(reason)
    return 200, "application/xml", answer.generate_response_xml()


def token(address, body):
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    need(form.get("grant_type") == "client_credentials", "the grant type is wrong")
    assertion = form["client_assertion"]
    kid = jwt.get_unverified_header(assertion)["kid"]
    found = [key for key in options["jwks"]["keys"] if key["kid"] == kid]
    need(found, "the key is not in the key set")
    claims = jwt.decode(
        assertion, jwt.PyJWK.from_dict(found[0]).key, algorithms=["RS256"], audience=address, issuer=options["clientId"],
        options={"require": ["exp", "iat", "iss", "sub", "aud", "jti"]},
    )
    need(claims["sub"] == options["clientId"], "sub is not the client")
    given = secrets.token_urlsafe()
    tokens[given] = form["scope"].split()
    return {"access_token": given, "token_type": "Bearer", "expires_in": 3600, "scope": form["scope"]}


def score(headers, body):
    scopes = tokens.get(headers.get("Authorization", "").partition(" ")[2], [])
    need(SCOPE + "score" in scopes, "the token does not allow scores")
    need(headers.get("Content-Type") == "application/vnd.ims.lis.v1.score+json", "the media type is wrong")
    sent = json.loads(body)
    need(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", sent["timestamp"]), "the timestamp has no milliseconds in UTC")
    at = datetime.fromisoformat(sent["timestamp"].replace("Z", "+00:00"))
    if sent["userId"] in times and at <= times[sent["userId"]]:
        return 409
    need(sent["gradingProgress"] == "FullyGraded" and sent["activityProgress"] == "Completed", "it is not graded")
    times[sent["userId"]] = at
    with lock:
        grades.append({"who": sent["userId"], "score": sent["scoreGiven"] / sent["scoreMaximum"]})
    return 200


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        address = "http://" + self.headers["Host"] + self.path
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, kind, text = 400, "application/json", b"{}"
        try:
            if self.path.startswith("/outcome"):
                status, kind, text = outcome(address, self.headers, body)
            elif self.path == "/token":
                status, text = 200, json.dumps(token(address, body)).encode()
            else:
                status = score(self.headers, body)
        except Exception as reason:
            with lock:
                refused.append(f"{type(reason).__name__}: {reason}")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(json.dumps({"url": "http://127.0.0.1:%d" % server.server_port}), flush=True)
for line in sys.stdin:
    wanted = json.loads(line)["do"]
    with lock:
        answer = {"value": {"grades": grades, "refused": refused}[wanted]}
    print(json.dumps(answer), flush=True)
server.shutdown()
