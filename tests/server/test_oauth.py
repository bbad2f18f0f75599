"""Tokens of an identity provider: what is taken, what is not, and what happens while the provider is away."""

import base64
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import anyio
import jwt
import pytest
from anyio.from_thread import start_blocking_portal
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetlore.kmu.access import Principal
from fleetlore.server.access.verifying import Rejected
from fleetlore.server.oauth.keys import usable_keys
from fleetlore.server.oauth.names import agent_of
from fleetlore.server.oauth.settings import OAuth
from fleetlore.server.oauth.verifying import JwtVerifier
from fleetlore.storage.errors import IssuerUnreachable, Refusal
from issuer import AUDIENCE, issuer

ANA = Principal(agent="ana", scopes=frozenset({"read", "write"}))
MALFORMED = Rejected(reason="malformed")


@pytest.fixture(scope="module")
def shared_provider():
    with issuer() as one:
        one.add_key("rsa", "RS256")
        one.add_key("ed", "EdDSA")
        yield one


@pytest.fixture
def provider():
    with issuer() as one:
        yield one


class Clock:
    def __init__(self):
        self.later = timedelta()

    def __call__(self):
        return datetime.now(UTC) + self.later


@asynccontextmanager
async def verifying(provider, *, clock=None, agents_with_tokens=(), withdrawn=(), **chosen):
    async def has_tokens(agent):
        return agent in agents_with_tokens

    async def refuse_withdrawn(agent):
        if agent in withdrawn:
            raise Refusal("agent", f"{agent} was revoked", "Ask a person")

    oauth = OAuth(**{"issuer": provider.url, "audience": AUDIENCE} | chosen)
    verifier = JwtVerifier(oauth, clock=clock or Clock(), has_tokens=has_tokens, refuse_withdrawn=refuse_withdrawn)
    async with verifier.opened():
        yield verifier


@pytest.fixture
def verdict(shared_provider):
    """What a verifier says, for tests that are not asynchronous."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(verifying(shared_provider)) as verifier:
        yield lambda token: portal.call(verifier.verify, token)


@pytest.mark.parametrize("kid", ["first", "rsa", "ed"])
async def test_a_token_of_the_issuer_is_the_agent_and_the_scopes_that_it_names(shared_provider, kid):
    async with verifying(shared_provider) as verifier:
        assert await verifier.verify(shared_provider.token(kid)) == ANA


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "https://other.example.com/mcp"}, "made for another audience"),
        ({"aud": ["https://other.example.com", f"{AUDIENCE}/"]}, "made for another audience"),
        ({"aud": {AUDIENCE: 1}}, "made for another audience"),
        ({"aud": None}, "without aud"),
        ({"iss": "https://other.example.com"}, "of another issuer"),
        ({"iss": None}, "without iss"),
        ({"exp": None}, "without exp"),
        ({"exp": 1_000_000_000}, "expired"),
        ({"exp": True}, "its exp or nbf is no time"),
        ({"exp": "tomorrow"}, "its exp or nbf is no time"),
        ({"exp": float("inf")}, "its exp or nbf is no time"),
        ({"exp": float("nan")}, "its exp or nbf is no time"),
        ({"exp": 10**400}, "its exp or nbf is no time"),
        ({"nbf": 9_999_999_999}, "not valid yet"),
        ({"nbf": "now"}, "its exp or nbf is no time"),
        ({"sub": None}, "its sub names no agent"),
        ({"sub": " "}, "its sub names no agent"),
        ({"sub": "a" * 1001}, "its sub names no agent"),
    ],
)
async def test_a_token_whose_claims_are_not_for_this_server_now_counts_for_nothing(shared_provider, claims, reason):
    async with verifying(shared_provider) as verifier:
        assert await verifier.verify(shared_provider.token(**claims)) == Rejected(reason=reason)


@pytest.mark.parametrize("kind", ["dpop+jwt", "logout+jwt", 7])
async def test_a_token_of_another_type_is_no_access_token(shared_provider, kind):
    async with verifying(shared_provider) as verifier:
        refused = await verifier.verify(shared_provider.token(headers={"typ": kind}))
    assert refused == Rejected(reason="another type of token than an access token")


@pytest.mark.parametrize("kind", ["JWT", "at+jwt", "application/at+jwt", "AT+JWT", None])
async def test_the_types_that_issuers_give_access_tokens_are_taken(shared_provider, kind):
    async with verifying(shared_provider) as verifier:
        assert await verifier.verify(shared_provider.token(headers={"typ": kind})) == ANA


async def test_clocks_may_differ_by_half_a_minute(shared_provider):
    token = shared_provider.token()
    ends = datetime.fromtimestamp(jwt.decode(token, options={"verify_signature": False})["exp"], UTC)
    now = ends + timedelta(seconds=29)
    async with verifying(shared_provider, clock=lambda: now) as verifier:
        assert await verifier.verify(token) == ANA
        now += timedelta(seconds=1)
        assert await verifier.verify(token) == Rejected(reason="expired")


def _forged(header, claims, signature=b""):
    return ".".join(
        base64.urlsafe_b64encode(part).rstrip(b"=").decode()
        for part in (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    )


async def test_unsigned_tokens_and_shared_secrets_count_for_nothing(shared_provider):
    public = shared_provider.keys["rsa"][1].public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    claims = shared_provider.claims()
    by_public_key = jwt.api_jws.PyJWS(algorithms=[])
    by_public_key.register_algorithm("HS256", _AnySecret(jwt.algorithms.HMACAlgorithm.SHA256))
    tokens = [
        _forged({"alg": name, "kid": "rsa"}, claims) for name in ("none", "None", "", None, [], {}, "HS256", "ES256K")
    ]
    tokens.append(by_public_key.encode(json.dumps(claims).encode(), pem, "HS256", {"kid": "rsa"}))
    async with verifying(shared_provider) as verifier:
        verdicts = {await verifier.verify(token) for token in tokens}
    assert verdicts == {Rejected(reason="unsigned, or signed by an algorithm that is not allowed")}


class _AnySecret(jwt.algorithms.HMACAlgorithm):
    """As an attacker has it: signs with whatever it is given."""

    def prepare_key(self, key):
        return key


async def test_a_signature_counts_only_for_what_was_signed_by_the_algorithm_of_the_key(shared_provider):
    head, body, signature = shared_provider.token("rsa").split(".")
    _, other, _ = shared_provider.token("rsa", sub="eve").split(".")
    tokens = [
        f"{head}.{other}.{signature}",
        f"{head}.{body}.",
        shared_provider.token("first", headers={"kid": "rsa"}),
        _forged({"alg": "RS512", "kid": "rsa"}, shared_provider.claims(), b"x" * 256),
    ]
    async with verifying(shared_provider) as verifier:
        assert [(await verifier.verify(token)).reason for token in tokens] == [
            "its signature is wrong",
            "its signature is wrong",
            "signed with a key that the issuer does not publish",
            "its signature is wrong",
        ]


_JSON_PARTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.sampled_from(["ES256", "none"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "exp", "iss", "aud"]), inner, max_size=5)
    ),
    max_leaves=8,
).map(lambda said: base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode())


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_sent_in_a_tokens_place_counts_for_nothing(shared_provider, verdict, data):
    good = shared_provider.token().split(".")
    part = st.one_of(st.sampled_from(good), _JSON_PARTS, st.text(max_size=40), st.binary(max_size=40).map(repr))
    token = data.draw(
        st.one_of(st.text(), st.lists(part, max_size=5).map(".".join)).filter(lambda made: made != ".".join(good))
    )
    assert isinstance(verdict(token), Rejected)


async def test_what_is_longer_than_any_token_is_not_even_read(shared_provider):
    async with verifying(shared_provider) as verifier:
        refused = await verifier.verify(shared_provider.token(padding="x" * 20_000))
    assert refused == Rejected(reason="longer than any token, or not in ASCII")


async def test_a_key_that_came_under_way_counts_at_the_next_call_and_one_that_went_no_more(provider):
    clock = Clock()
    async with verifying(provider, clock=clock) as verifier:
        old = provider.token()
        assert await verifier.verify(old) == ANA
        provider.rotate("second")
        clock.later = timedelta(seconds=11)
        assert await verifier.verify(provider.token("second")) == ANA
        assert await verifier.verify(old) == Rejected(reason="signed with a key that the issuer does not publish")


async def test_unknown_keys_make_one_request_and_then_none_for_ten_seconds(provider):
    clock = Clock()
    async with verifying(provider, clock=clock) as verifier:
        assert await verifier.verify(provider.token()) == ANA
        first = len(provider.asked)
        clock.later = timedelta(seconds=11)
        tokens = [provider.token(headers={"kid": f"unknown {number}"}) for number in range(50)]
        async with anyio.create_task_group() as tasks:
            for token in tokens:
                tasks.start_soon(verifier.verify, token)
        for token in tokens:
            assert isinstance(await verifier.verify(token), Rejected)
        assert provider.asked[first:] == provider.asked[:first]


async def test_keys_are_asked_for_anew_every_five_minutes_and_calls_go_on_meanwhile(provider):
    clock = Clock()
    async with verifying(provider, clock=clock) as verifier:
        token = provider.token()
        assert await verifier.verify(token) == ANA
        provider.rotate("second")
        clock.later = timedelta(minutes=5)
        assert await verifier.verify(token) == ANA
        await verifier.settled()
        assert await verifier.verify(token) == Rejected(reason="signed with a key that the issuer does not publish")


async def test_while_the_issuer_is_away_its_keys_go_on_for_an_hour_and_then_nobody_comes_in(provider):
    clock = Clock()
    token = provider.token(exp=9_999_999_999)
    async with verifying(provider, clock=clock) as verifier:
        assert await verifier.verify(token) == ANA
        assert verifier.trouble() == ""
        provider.goes_down()
        clock.later = timedelta(minutes=6)
        assert await verifier.verify(token) == ANA
        await verifier.settled()
        assert "answers 503. The keys that it had are used until " in verifier.trouble()
        with pytest.raises(IssuerUnreachable):
            await verifier.verify(provider.token(headers={"kid": "newer"}))
        clock.later = timedelta(minutes=59)
        assert await verifier.verify(token) == ANA
        clock.later = timedelta(hours=1)
        with pytest.raises(IssuerUnreachable):
            await verifier.verify(token)
        assert verifier.trouble().endswith(" answers 503. Its tokens are refused until it can be asked again")
        provider.publish()
        clock.later += timedelta(seconds=11)
        assert await verifier.verify(token) == ANA
        assert verifier.trouble() == ""


async def test_an_issuer_that_is_away_at_the_start_may_come_later(provider):
    clock = Clock()
    provider.goes_down()
    async with verifying(provider, clock=clock) as verifier:
        with pytest.raises(IssuerUnreachable):
            await verifier.verify(provider.token())
        provider.publish()
        clock.later = timedelta(seconds=11)
        assert await verifier.verify(provider.token()) == ANA


async def test_a_clock_that_is_set_back_makes_keys_neither_younger_nor_lasting(provider):
    clock = Clock()
    async with verifying(provider, clock=clock) as verifier:
        token = provider.token(iat=None)
        assert await verifier.verify(token) == ANA
        provider.goes_down()
        clock.later = -timedelta(days=1)
        with pytest.raises(IssuerUnreachable):
            await verifier.verify(token)


@pytest.mark.parametrize(
    ("path", "answer", "problem"),
    [
        ("/keys", (200, b"x" * 600_000), "{url}/keys answers with more than 500,000 bytes"),
        ("/keys", (200, b"<html>"), "{url}/keys answers with something that is no JSON"),
        ("/keys", (200, b"[" * 100_000), "{url}/keys answers with something that is no JSON"),
        ("/keys", (200, b"[]"), "its key set is no JSON object with a list of keys"),
        ("/keys", (200, b'{"keys": {}}'), "its key set is no JSON object with a list of keys"),
        ("/keys", (200, json.dumps({"keys": [{}] * 101}).encode()), "its key set has more than 100 keys"),
        ("/keys", (200, b'{"keys": [7, {"kty": "oct", "k": "c2VjcmV0"}]}'), "its key set has no key that can sign"),
        ("/keys", (302, b"http://127.0.0.1:9/keys"), "{url}/keys answers 302"),
        ("/keys", (404, b""), "{url}/keys answers 404"),
        ("/.well-known/openid-configuration", (404, b""), "it publishes no metadata; name the address of its keys"),
        (
            "/.well-known/openid-configuration",
            (200, b"{}"),
            "its metadata at {url}/.well-known/openid-configuration name",
        ),
        (
            "/.well-known/openid-configuration",
            (200, b'{"issuer": "https://other.example.com", "jwks_uri": "https://other.example.com/keys"}'),
            "are those of 'https://other.example.com', which --oauth-issuer must equal",
        ),
        (
            "/.well-known/openid-configuration",
            (200, b'{"issuer": "%s", "jwks_uri": "http://other.example.com/keys"}'),
            "name a jwks_uri over plain http",
        ),
        (
            "/.well-known/openid-configuration",
            (200, b'{"issuer": "%s", "jwks_uri": "file:///etc/passwd"}'),
            "name a jwks_uri that is no address",
        ),
    ],
)
async def test_an_issuer_that_says_nothing_of_use_lets_nobody_in_and_is_told_by_what_is_wrong(
    provider, path, answer, problem
):
    status, body = answer
    provider.answers[path] = (status, body.replace(b"%s", provider.url.encode()))
    async with verifying(provider) as verifier:
        with pytest.raises(IssuerUnreachable):
            await verifier.verify(provider.token())
        assert problem.format(url=provider.url) in verifier.trouble()


async def test_nobody_listening_at_the_issuers_address_is_told_as_such(provider):
    async with verifying(provider, jwks="http://127.0.0.1:1/keys") as verifier:
        with pytest.raises(IssuerUnreachable):
            await verifier.verify(provider.token())
        assert "http://127.0.0.1:1/keys cannot be reached" in verifier.trouble()


async def test_broken_weak_and_private_keys_are_left_out_and_take_no_other_away(provider):
    good = provider.jwk("first")
    private = jwt.algorithms.ECAlgorithm.to_jwk(provider.keys["first"][1], as_dict=True) | {"kid": "private"}
    broken = [
        {"kty": "EC", "crv": "P-256", "x": 7, "y": [], "kid": "a"},
        {"kty": "EC", "crv": "P-256", "kid": "b"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "weak"},
        good | {"kid": "c", "use": "enc"},
        good | {"kid": "d", "alg": "ES384"},
        private,
    ]
    provider.answers["/keys"] = (200, json.dumps({"keys": [*broken, good]}).encode())
    async with verifying(provider) as verifier:
        assert await verifier.verify(provider.token()) == ANA
        unpublished = Rejected(reason="signed with a key that the issuer does not publish")
        for kid in ("a", "b", "weak", "c", "d", "private"):
            assert await verifier.verify(provider.token(headers={"kid": kid})) == unpublished


_JUNK = st.one_of(
    st.sampled_from(["RSA", "EC", "OKP", "oct", "P-384", "ES256", "PS512", "AQAB", "enc"]),
    st.none() | st.integers() | st.text(max_size=9) | st.lists(st.text(max_size=3), max_size=2),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(
        st.tuples(
            st.sampled_from(["first", "rsa", "ed"]),
            st.dictionaries(st.sampled_from(["kty", "crv", "alg", "kid", "use", "n", "e", "x", "y", "oth"]), _JUNK),
        ),
        max_size=4,
    )
)
def test_whatever_else_an_issuer_publishes_a_good_key_counts(shared_provider, changes):
    junk = [shared_provider.jwk(kid) | changed for kid, changed in changes]
    good = shared_provider.jwk("ed") | {"kid": "good"}
    keys = usable_keys({"keys": [*junk, "", good]})
    assert keys["good", "EdDSA"].key == shared_provider.keys["ed"][1].public_key()


@pytest.mark.parametrize(
    ("said", "chosen", "scopes"),
    [
        ({"scope": "openid read  prune"}, {}, {"read", "prune"}),
        ({"scope": None, "scp": ["read", "admin", 7]}, {}, {"read", "admin"}),
        ({"scope": None, "scp": "write"}, {}, {"write"}),
        ({"scope": None}, {}, set()),
        ({"scope": {"read": 1}}, {}, set()),
        ({"scope": "READ reader"}, {}, set()),
        ({"scope": "read fleetlore:write"}, {"scope_prefix": "fleetlore:"}, {"write"}),
        ({"roles": ["prune"]}, {"scope_claim": "roles"}, {"prune"}),
    ],
)
async def test_scopes_are_those_of_the_claim_that_have_the_prefix_and_no_others(shared_provider, said, chosen, scopes):
    async with verifying(shared_provider, **chosen) as verifier:
        assert await verifier.verify(shared_provider.token(**said)) == Principal(agent="ana", scopes=frozenset(scopes))


async def test_the_agent_is_in_whatever_claim_the_operator_names(shared_provider):
    async with verifying(shared_provider, agent_claim="client_id") as verifier:
        assert (await verifier.verify(shared_provider.token(client_id="builder"))).agent == "builder"
        assert await verifier.verify(shared_provider.token()) == Rejected(reason="its client_id names no agent")


async def test_a_token_speaks_for_an_agent_with_tokens_of_our_own_only_where_the_operator_says_so(shared_provider):
    async with verifying(shared_provider, agents_with_tokens=["ana"]) as verifier:
        assert await verifier.verify(shared_provider.token()) == Rejected(
            reason="it names ana, an agent with tokens of fleetlore's own"
        )
        assert (await verifier.verify(shared_provider.token(sub="ben"))).agent == "ben"
    async with verifying(shared_provider, agents_with_tokens=["ana"], share_agents=True) as verifier:
        assert await verifier.verify(shared_provider.token()) == ANA


async def test_an_agent_that_was_revoked_has_no_token_that_counts_whatever_the_issuer_says(shared_provider):
    async with verifying(shared_provider, withdrawn=["ana"]) as verifier:
        with pytest.raises(Refusal, match="ana was revoked"):
            await verifier.verify(shared_provider.token())
        assert (await verifier.verify(shared_provider.token(sub="ben"))).agent == "ben"


def test_a_plain_name_is_taken_as_it_is_and_any_other_gets_a_digest():
    claims = ("ana", "ci-7@acme.dev", "Ana", "аna", "auth0|5f7c", "日本", "-", "a" * 65, "fleetlore")
    made = {claim: agent_of(claim) for claim in claims}
    assert made == {
        "ana": "ana",
        "ci-7@acme.dev": "ci-7@acme.dev",
        "Ana": "ana.32rbb4cywqd5wxa3",
        "аna": "na.6jyn62rlifeskd2f",
        "auth0|5f7c": "auth0-5f7c.myw5bjmwll5c7rcs",
        "日本": "agent.z4vl6dc34mtmxerk",
        "-": "agent.hfz6aixjgiqpsijm",
        "a" * 65: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.mnjwdrelxhvlcqmy",
        "fleetlore": "fleetlore.q4lbrlqu2hrymkct",
    }


@given(
    st.lists(st.text(min_size=1) | st.from_regex(r"[aA1.-]{1,3}\.[ab2]{16}", fullmatch=True), min_size=2, unique=True)
)
def test_no_two_subjects_ever_become_one_agent_not_even_by_taking_the_name_that_another_was_given(subjects):
    everybody = {*subjects, *map(agent_of, subjects)}
    names = {agent_of(one) for one in everybody}
    assert len(names) == len(everybody)
    assert all(len(name) <= 64 and name == name.lower() for name in names)


@pytest.mark.parametrize(
    ("chosen", "option"),
    [
        ({"issuer": "http://login.example.com"}, "--oauth-issuer"),
        ({"issuer": "login.example.com"}, "--oauth-issuer"),
        ({"issuer": "https://user:secret@login.example.com"}, "--oauth-issuer"),
        ({"issuer": "https://login.example.com?tenant=7"}, "--oauth-issuer"),
        ({"issuer": ""}, "--oauth-issuer"),
        ({"audience": ""}, "--oauth-audience"),
        ({"audience": "http://memory.example.com/mcp"}, "--oauth-audience"),
        ({"audience": "api://fleetlore"}, "--oauth-resource"),
        ({"resource": 'https://memory.example.com/"'}, "--oauth-resource"),
        ({"jwks": "http://login.example.com/keys"}, "--oauth-jwks"),
        ({"jwks": "file:///keys"}, "--oauth-jwks"),
        ({"jwks": "https://user:secret@login.example.com/keys"}, "--oauth-jwks"),
        ({"agent_claim": ""}, "--oauth-agent-claim"),
    ],
)
def test_what_cannot_be_safe_is_refused_before_anything_starts_and_no_secret_is_repeated(chosen, option):
    with pytest.raises(Refusal) as refusal:
        OAuth(**{"issuer": "https://login.example.com", "audience": AUDIENCE} | chosen)
    assert refusal.value.argument == option
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("first", [(404, b""), (403, b""), (200, b"<html>"), (200, b"{}")])
async def test_the_issuers_metadata_are_found_wherever_one_of_the_specifications_has_them(provider, first):
    provider.answers["/.well-known/oauth-authorization-server"] = first
    async with verifying(provider) as verifier:
        assert await verifier.verify(provider.token()) == ANA
    provider.asked.clear()
    async with verifying(provider, jwks=f"{provider.url}/keys?of=fleetlore") as verifier:
        provider.answers["/keys?of=fleetlore"] = provider.answers["/keys"]
        assert await verifier.verify(provider.token()) == ANA
    assert provider.asked == ["/keys?of=fleetlore"]
