"""Signs LTI 1.1 launches with Debian's python3-lti, for a test that must not trust our own signer.

Reads one JSON object from standard input: url, key, secret, count, params. Prints a JSON list of form bodies.
"""
import json
import sys
from urllib.parse import urlencode

from lti import ToolConsumer

ask = json.load(sys.stdin)
bodies = []
for _ in range(ask["count"]):
    consumer = ToolConsumer(
        consumer_key=ask["key"], consumer_secret=ask["secret"], launch_url=ask["url"],
        params=dict(ask["params"], lti_message_type="basic-lti-launch-request", lti_version="LTI-1p0"))
    bodies.append(urlencode(list(consumer.generate_launch_data().items())))
json.dump(bodies, sys.stdout)
