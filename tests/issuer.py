"""A small OpenID Connect issuer to try the sign-in with; whoever comes picks an address: `tests/issuer.py PORT`."""

import secrets
import sys
import time
from typing import Any
from urllib.parse import urlencode

import uvicorn
from authlib.jose import JsonWebKey, jwt
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

PORT = int(sys.argv[1])
BASE = f"http://127.0.0.1:{PORT}"
PEOPLE = ("ann@shop.example", "eve@other.example")

app = FastAPI()
key = JsonWebKey.generate_key("RSA", 2048, {"kid": "one"}, is_private=True)
codes: dict[str, tuple[str, str]] = {}


@app.get("/.well-known/openid-configuration")
def configuration() -> dict[str, Any]:
    return {
        "issuer": BASE,
        "authorization_endpoint": f"{BASE}/authorize",
        "token_endpoint": f"{BASE}/token",
        "jwks_uri": f"{BASE}/jwks",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }


@app.get("/jwks")
def jwks() -> dict[str, Any]:
    return {"keys": [key.as_dict(is_private=False)]}


@app.get("/authorize")
def authorize(redirect_uri: str, state: str, nonce: str = "", email: str = "") -> Response:
    if not email:
        asked = {"redirect_uri": redirect_uri, "state": state, "nonce": nonce}
        links = [f'<a href="/authorize?{urlencode(asked | {"email": who})}">{who}</a><br>' for who in PEOPLE]
        return HTMLResponse("".join(links))
    code = secrets.token_hex(8)
    codes[code] = email, nonce
    return RedirectResponse(f"{redirect_uri}?{urlencode({'code': code, 'state': state})}")


@app.post("/token")
async def token(request: Request) -> dict[str, Any]:
    email, nonce = codes.pop(str((await request.form())["code"]))
    now = int(time.time())
    claims = {"iss": BASE, "sub": email, "aud": "insider", "iat": now, "exp": now + 600, "nonce": nonce,
              "email": email, "email_verified": True}  # fmt: skip
    signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, key).decode()
    return {"access_token": "x", "token_type": "Bearer", "expires_in": 600, "id_token": signed}


uvicorn.run(app, port=PORT, log_level="warning")
