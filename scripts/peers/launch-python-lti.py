#!/usr/bin/python3
"""An LTI 1.1 launch signed by Debian's python3-lti (on oauthlib).

{url, key, secret, fields} as JSON on standard input, the form's body on standard output.
"""
import json
import sys

from lti import ToolConsumer

given = json.load(sys.stdin)
params = {"lti_version": "LTI-1p0", "lti_message_type": "basic-lti-launch-request", **given["fields"]}
consumer = ToolConsumer(
    consumer_key=given["key"],
    consumer_secret=given["secret"],
    launch_url=given["url"],
    params=params,
)
sys.stdout.write(consumer.generate_launch_request().body.decode())
