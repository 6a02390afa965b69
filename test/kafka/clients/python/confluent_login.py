"""How librdkafka connects and logs in, as its documentation says."""

import base64
import json


def settings(login):
    found = {
        "security.protocol": login.protocol,
        "sasl.mechanisms": login.mechanism,
        "sasl.username": login.user,
        "sasl.password": login.password,
        "ssl.ca.location": login.ca,
        "ssl.certificate.location": login.cert,
        "ssl.key.location": login.key,
    }
    if login.mechanism == "OAUTHBEARER":
        found["oauth_cb"] = lambda _: token_of(login)
    return {name: value for name, value in found.items() if value}


def token_of(login):
    """The token, and when it expires."""
    token = login.current_token()
    claims = token.split(".")[1]
    return token, json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"]
