"""A client of the MAAS API. Arguments: the library to use, the URL of MAAS, the API key. For each line of JSON on stdin, a request, it
makes the request, signed, and prints a line of JSON, the answer (see programs.ts)."""
import base64
import json
import sys
import uuid
from urllib.parse import quote, urlencode

library, site, api_key = sys.argv[1:]
consumer_key, token_key, token_secret = api_key.split(":")


def with_requests():
    """requests_oauthlib: the session signs by itself."""
    from requests_oauthlib import OAuth1Session

    session = OAuth1Session(
        consumer_key, client_secret="", resource_owner_key=token_key, resource_owner_secret=token_secret, signature_method="PLAINTEXT"
    )

    def send(method, url, fields, content):
        if method == "POST":  # a part without a file name is a field
            parts = {name: (None, value) for name, value in fields.items()}
            if content is not None:
                parts["file"] = ("file.bin", content)
            response = session.request(method, url, files=parts)
        else:
            response = session.request(method, url, data=fields)
        return response.status_code, response.content

    return send


def with_httplib2():
    """The program of MAAS's page on API authentication: httplib2, with the header of Python's old module `oauth`. That one is not
    packaged any more; what its three calls did, from_consumer_and_token, sign_request and to_header, is done by oauthlib."""
    import httplib2
    from oauthlib.common import Request
    from oauthlib.oauth1 import SIGNATURE_PLAINTEXT, Client

    http = httplib2.Http()

    def send(method, url, fields, content):
        client = Client(consumer_key, "", token_key, token_secret, signature_method=SIGNATURE_PLAINTEXT, nonce=uuid.uuid4().hex)
        request = Request(url, method)
        request.oauth_params = client.get_oauth_params(request)
        signature = client.get_oauth_signature(request)
        pairs = [("realm", ""), *request.oauth_params, ("oauth_signature", signature)]
        header = "OAuth " + ", ".join('%s="%s"' % (name, quote(value, safe="~")) for name, value in pairs)
        body, headers = encode(method, fields, content)
        response, answer = http.request(url, method, body=body, headers={"Authorization": header, **headers})
        return response.status, answer

    return send


def with_urllib():
    """oauthlib signs, the standard library sends."""
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    from oauthlib.oauth1 import SIGNATURE_PLAINTEXT, Client

    client = Client(consumer_key, "", token_key, token_secret, signature_method=SIGNATURE_PLAINTEXT)

    def send(method, url, fields, content):
        body, headers = encode(method, fields, content)
        _, signed, _ = client.sign(url, method)
        try:
            with urlopen(Request(url, data=body, method=method, headers={**signed, **headers})) as response:
                return response.status, response.read()
        except HTTPError as error:
            return error.code, error.read()

    return send


def encode(method, fields, content):
    """The body, and the header fields for it."""
    if not fields and content is None:
        return None, {}
    if method == "PUT":
        return urlencode(fields).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    from urllib3 import encode_multipart_formdata

    parts = dict(fields, **({} if content is None else {"file": ("file.bin", content)}))
    body, content_type = encode_multipart_formdata(parts)
    return body, {"Content-Type": content_type}


send = {"requests_oauthlib": with_requests, "httplib2": with_httplib2, "oauthlib": with_urllib}[library]()
print("ready", flush=True)
for line in sys.stdin:
    call = json.loads(line)
    content = open(call["file"], "rb").read() if "file" in call else None
    query = "?" + urlencode(call["query"]) if "query" in call else ""
    status, body = send(call["method"], site + "/api/2.0/" + call["path"] + query, call.get("fields", {}), content)
    print(json.dumps({"status": status, "body": base64.b64encode(body).decode()}), flush=True)
