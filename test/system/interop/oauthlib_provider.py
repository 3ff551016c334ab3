"""Verifies requests with oauthlib's provider side, as a server would. Reads {"key": [consumer, token, secret], "requests":
[{"method", "url", "authorization"}]} on stdin and prints one true or false a request as a JSON list."""
import json
import sys

from oauthlib.oauth1 import SIGNATURE_PLAINTEXT, RequestValidator, ResourceEndpoint

given = json.load(sys.stdin)
consumer, token, secret = given["key"]


class OneKey(RequestValidator):
    """Knows one key, with the empty consumer secret that MAAS gives every consumer, and each nonce once."""

    enforce_ssl = False
    allowed_signature_methods = (SIGNATURE_PLAINTEXT,)
    client_key_length = access_token_length = (18, 18)
    nonce_length = (32, 32)
    dummy_client = dummy_access_token = "d" * 18
    seen = set()

    def validate_client_key(self, client_key, request):
        return client_key == consumer

    def validate_access_token(self, client_key, token_key, request):
        return token_key == token

    def validate_timestamp_and_nonce(self, client_key, timestamp, nonce, request, request_token=None, access_token=None):
        new = nonce not in self.seen
        self.seen.add(nonce)
        return new

    def validate_realms(self, *args, **kwargs):
        return True

    def get_client_secret(self, client_key, request):
        return ""

    def get_access_token_secret(self, client_key, token_key, request):
        return secret


endpoint = ResourceEndpoint(OneKey())
print(json.dumps([
    endpoint.validate_protected_resource_request(r["url"], r["method"], None, {"Authorization": r["authorization"]})[0]
    for r in given["requests"]
]))
