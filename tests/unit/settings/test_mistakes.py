"""What is refused, and in which words: each mistake names its setting and says what would be right."""

from collections.abc import Callable

import pytest

from flask_gatehouse.settings import Settings
from flask_gatehouse.settings.keys import KNOWN_KEYS
from tests.unit.settings.examples import CORP, KEY, PRODUCTION

Load = Callable[..., Settings]

HOW = "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
WEAK = f"holds a key that can be guessed: 32 random bytes are the least. {HOW}"
ORIGIN_ALONE = "GATEHOUSE_BASE_URL must be a scheme and a host alone, such as https://app.example.com."
IN_MEMORY = "DATABASE_URL must name a file: each thread would get a database of its own in memory."
NO_PUBLIC_KEYS = "holds something else than public keys, with commas between them: gatehouse audit public-key."
ARCHIVE = {"GATEHOUSE_AUDIT_ARCHIVE_DIR": "archive"}
BAD: list[tuple[dict[str, str], list[str]]] = [
    ({"GATEHOUSE_ENV": "prod"}, ["GATEHOUSE_ENV must be one of production, development."]),
    ({"SECRET_KEY": ""}, [f"SECRET_KEY is missing. {HOW}"]),
    ({"SECRET_KEY": "  "}, [f"SECRET_KEY is missing. {HOW}"]),
    ({"SECRET_KEY": "short"}, [f"SECRET_KEY {WEAK}"]),
    ({"SECRET_KEY": "ab" * 40}, [f"SECRET_KEY {WEAK}"]),
    ({"SECRET_KEY": "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8" * 3}, [f"SECRET_KEY {WEAK}"]),
    ({"SECRET_KEY_FALLBACKS": f"{KEY},short"}, [f"SECRET_KEY_FALLBACKS {WEAK}"]),
    ({"DATABASE_URL": "mysql://x"}, ["DATABASE_URL must begin with sqlite:///path or postgresql://."]),
    ({"DATABASE_URL": "sqlite://"}, [IN_MEMORY]),
    ({"DATABASE_URL": "sqlite:///:memory:"}, [IN_MEMORY]),
    (
        {"DATABASE_URL": "postgresql://ada:p#ss@db/gate"},
        ["DATABASE_URL cannot be read: percent-encode the special characters in its password."],
    ),
    ({"REDIS_URL": "localhost:6379"}, ["REDIS_URL must begin with redis://, rediss:// or unix://."]),
    *(
        ({"GATEHOUSE_AUDIT_PUBLIC_KEYS": keys}, [f"GATEHOUSE_AUDIT_PUBLIC_KEYS {NO_PUBLIC_KEYS}"])
        for keys in (
            "audit.key",
            f"PRIVATE+KEY+app.example.com+01234567+{'A' * 44}",
            f"app.example.com+01234567+{'A' * 44} app.example.com+01234567+{'A' * 44}",
        )
    ),
    ({"PORT": "0"}, ["PORT must be a number between 1 and 65535."]),
    ({"PORT": "65536"}, ["PORT must be a number between 1 and 65535."]),
    ({"PORT": "http"}, ["PORT must be a number between 1 and 65535."]),
    (
        {"GATEHOUSE_BASE_URL": ""},
        ["GATEHOUSE_BASE_URL is missing. It is the address people type, such as https://app.example.com."],
    ),
    *(
        ({"GATEHOUSE_BASE_URL": address}, [ORIGIN_ALONE])
        for address in (
            "app.example.com",
            "ftp://app.example.com",
            "https://",
            "https://app.example.com/gate",
            "https://app.example.com?x=1",
            "https://app.example.com?",
            "https://app.example.com#x",
            "https://ada@app.example.com",
            "https://:hush@app.example.com",
            "https://app.example.com:0",
            "https://app.example.com:99999",
            "https://app.example.com:http",
            "https://[bad",
            "https://m\u00fcller.example",
        )
    ),
    (
        {"GATEHOUSE_BASE_URL": "http://localhost:5000"},
        ["GATEHOUSE_BASE_URL must begin with https://. Plain http is for development on this machine."],
    ),
    ({"GOOGLE_CLIENT_ID": "x"}, ["GOOGLE_CLIENT_SECRET is missing: GOOGLE_CLIENT_ID needs it."]),
    ({"GOOGLE_CLIENT_SECRET": "x"}, ["GOOGLE_CLIENT_ID is missing: GOOGLE_CLIENT_SECRET needs it."]),
    ({"GITHUB_CLIENT_ID": "x"}, ["GITHUB_CLIENT_SECRET is missing: GITHUB_CLIENT_ID needs it."]),
    ({"GITHUB_CLIENT_SECRET": "x"}, ["GITHUB_CLIENT_ID is missing: GITHUB_CLIENT_SECRET needs it."]),
    ({"GITHUB_URL": "http://github.example"}, ["GITHUB_URL must be an https address."]),
    ({"GITHUB_API_URL": "github.example"}, ["GITHUB_API_URL must be an https address."]),
    (
        {"GATEHOUSE_OIDC_CORP_ISSUER": "https://login.corp.example"},
        ["GATEHOUSE_OIDC_CORP_CLIENT_ID is missing.", "GATEHOUSE_OIDC_CORP_CLIENT_SECRET is missing."],
    ),
    (
        {"GATEHOUSE_OIDC_CORP_LABEL": "Corp"},
        [f"GATEHOUSE_OIDC_CORP_{part} is missing." for part in ("ISSUER", "CLIENT_ID", "CLIENT_SECRET")],
    ),
    *(
        (
            CORP | {"GATEHOUSE_OIDC_CORP_ISSUER": issuer},
            ["GATEHOUSE_OIDC_CORP_ISSUER must be an https address, exactly as the provider writes its issuer."],
        )
        for issuer in (
            "http://login.corp.example",
            "http://localhost:9000",
            "login.corp.example",
            "https://",
            "https://[bad",
            "https://login.corp.example?tenant=1",
            "https://login.corp.example#x",
            "https://ada:hush@login.corp.example",
        )
    ),
    # What no table holds.
    (
        CORP | {"GATEHOUSE_OIDC_CORP_ISSUER": f"https://{'a' * 248}"},
        ["GATEHOUSE_OIDC_CORP_ISSUER must not be longer than 255 characters."],
    ),
    ({"GITHUB_URL": f"https://{'a' * 248}"}, ["GITHUB_URL must not be longer than 255 characters."]),
    (
        {key.replace("CORP", "A" * 65): text for key, text in CORP.items()},
        [f"GATEHOUSE_OIDC_{'A' * 65}_ISSUER: the name {'a' * 65} must not be longer than 64 characters."],
    ),
    (
        CORP | {"GATEHOUSE_OIDC_CORP_SCOPE": "email profile"},
        ["GATEHOUSE_OIDC_CORP_SCOPE must contain openid: without it the provider sends no ID token."],
    ),
    *(
        (
            {key.replace("CORP", name): text for key, text in CORP.items()},
            [f"GATEHOUSE_OIDC_{name}_ISSUER: the name {name.lower()} is taken by a provider of ours."],
        )
        for name in ("GOOGLE", "GITHUB", "DEV")
    ),
    ({"GATEHOUSE_SIGNUP": "closed"}, ["GATEHOUSE_SIGNUP must be one of open, domains, invited."]),
    (
        {"GATEHOUSE_SIGNUP": "domains"},
        ["GATEHOUSE_ALLOWED_DOMAINS is missing: GATEHOUSE_SIGNUP=domains admits nobody without it."],
    ),
    (
        {"GATEHOUSE_SIGNUP": "domains", "GATEHOUSE_ALLOWED_DOMAINS": " , "},
        ["GATEHOUSE_ALLOWED_DOMAINS is missing: GATEHOUSE_SIGNUP=domains admits nobody without it."],
    ),
    ({"GATEHOUSE_DEFAULT_ROLE": "root"}, ["GATEHOUSE_DEFAULT_ROLE must be one of admin, editor, viewer."]),
    ({"GATEHOUSE_USER_LIST_ROLE": "ADMIN"}, ["GATEHOUSE_USER_LIST_ROLE must be one of admin, editor, viewer."]),
    *(
        ({f"GATEHOUSE_{name}": "soon"}, [f"GATEHOUSE_{name} must be a number followed by s, m, h or d, such as 30m."])
        for name in (
            "IDLE_TIMEOUT",
            "SESSION_LIFETIME",
            "ADMIN_IDLE_TIMEOUT",
            "ADMIN_SESSION_LIFETIME",
            "CONFIRM_MAX_AGE",
        )
    ),
    *(
        (ARCHIVE | {"GATEHOUSE_AUDIT_RETENTION": text}, [f"GATEHOUSE_AUDIT_RETENTION {problem}."])
        for text, problem in (
            ("forever", "must be a number followed by s, m, h or d, such as 30m"),
            ("400", "must be a number followed by s, m, h or d, such as 30m"),
            ("0d", "must be a number followed by s, m, h or d, such as 30m"),
            ("23h", "must be at least 1d"),
            ("86399s", "must be at least 1d"),
            ("3651d", "must not be longer than 3650d"),
        )
    ),
    (
        {"GATEHOUSE_AUDIT_RETENTION": "400d"},
        ["GATEHOUSE_AUDIT_ARCHIVE_DIR is missing: GATEHOUSE_AUDIT_RETENTION needs it."],
    ),
    *(
        ({admin_name: "8d", name: "7d"}, [f"{admin_name} must not be longer than {name}, which holds for everybody."])
        for admin_name, name in (
            ("GATEHOUSE_ADMIN_IDLE_TIMEOUT", "GATEHOUSE_IDLE_TIMEOUT"),
            ("GATEHOUSE_ADMIN_SESSION_LIFETIME", "GATEHOUSE_SESSION_LIFETIME"),
        )
    ),
    ({"GATEHOUSE_SESSION_LIFETIME": "9999d"}, ["GATEHOUSE_SESSION_LIFETIME must not be longer than 3650d."]),
    *(
        ({name: limit}, [f"{name} must read like '20 per minute' or '20 per 10 minutes'."])
        for name in ("GATEHOUSE_RATE_LIMIT", "GATEHOUSE_RATE_LIMIT_SIGN_IN", "GATEHOUSE_REFUSAL_LIMIT")
        for limit in ("often", "20", "0 per minute", "20 per 0 minutes", "-1 per minute")
    ),
    *(
        ({name: limit}, [f"{name} must not be more than 1000000 times, or longer than 3650 days."])
        for name in ("GATEHOUSE_RATE_LIMIT", "GATEHOUSE_RATE_LIMIT_SIGN_IN", "GATEHOUSE_REFUSAL_LIMIT")
        for limit in ("9999999 per minute", "20 per 99999999999 days")
    ),
    *(
        ({name: text}, [f"{name} must list domains, such as example.com, with commas between them."])
        for name, text in (
            ("GATEHOUSE_ALLOWED_DOMAINS", "@corp.example"),
            ("GATEHOUSE_ALLOWED_DOMAINS", "corp.example, ada@corp.example"),
            ("GATEHOUSE_ALLOWED_DOMAINS", "https://corp.example"),
            ("GATEHOUSE_ALLOWED_DOMAINS", "*"),
            ("GATEHOUSE_ALLOWED_DOMAINS", "*.corp.example"),
        )
    ),
    (
        CORP | {"GATEHOUSE_OIDC_CORP_EMAIL_DOMAINS": "*, @corp.example"},
        ["GATEHOUSE_OIDC_CORP_EMAIL_DOMAINS must list domains, such as example.com, with commas between them."],
    ),
    ({"GATEHOUSE_TRUSTED_PROXIES": "-1"}, ["GATEHOUSE_TRUSTED_PROXIES must be a whole number between 0 and 99."]),
    ({"GATEHOUSE_TRUSTED_PROXIES": "all"}, ["GATEHOUSE_TRUSTED_PROXIES must be a whole number between 0 and 99."]),
    (
        {"GATEHOUSE_ALERT_WEBHOOK_URL": "https://hooks.example"},
        ["GATEHOUSE_ALERT_WEBHOOK_SECRET is missing: GATEHOUSE_ALERT_WEBHOOK_URL needs it."],
    ),
    *(
        (
            {"GATEHOUSE_ALERT_WEBHOOK_URL": address, "GATEHOUSE_ALERT_WEBHOOK_SECRET": "hush"},
            ["GATEHOUSE_ALERT_WEBHOOK_URL must be a whole address, such as https://hooks.example.com/gate."],
        )
        for address in ("hooks.example/x", "ftp://hooks.example", "https://", "https://hooks.example:0", "https://[x")
    ),
    (
        {"GATEHOUSE_SUPPORT_EMAIL": "the help desk"},
        ["GATEHOUSE_SUPPORT_EMAIL must be one address, such as security@example.com."],
    ),
    *(
        ({"GATEHOUSE_TERMS_URL": link}, ["GATEHOUSE_TERMS_URL must be an https address or a path on this site."])
        for link in ("javascript:alert(1)", "http://corp.example", "//corp.example", "terms", "https://")
    ),
]


@pytest.mark.parametrize(("environ", "expected"), BAD, ids=lambda value: next(iter(value), "") if value else "")
def test_a_mistake_is_named_with_its_remedy(
    problems: Callable[..., list[str]], environ: dict[str, str], expected: list[str]
) -> None:
    assert problems(PRODUCTION | environ) == expected


@pytest.mark.parametrize("key", [*sorted(KNOWN_KEYS), "django-insecure-" + KEY])
@pytest.mark.parametrize("name", ["SECRET_KEY", "SECRET_KEY_FALLBACKS"])
def test_production_refuses_a_key_that_everybody_knows(problems: Callable[..., list[str]], name: str, key: str) -> None:
    found = problems(PRODUCTION | {name: key})
    assert all(problem.startswith(f"{name} holds a key") for problem in found)
    assert "example, which everybody knows" in "".join(found)


def test_all_mistakes_are_told_at_once(problems: Callable[..., list[str]]) -> None:
    found = problems(
        {
            "GATEHOUSE_IDLE_TIMEOUT": "soon",
            "GATEHOUSE_DEFAULT_ROLE": "root",
            "GOOGLE_CLIENT_ID": "x",
            "GATEHOUSE_OIDC_CORP_ISSUER": "x",
            "GATEHOUSE_IDEL_TIMEOUT": "30m",
            "PORT": "x",
        }
    )
    named = [problem.split()[0].rstrip(":") for problem in found]
    assert sorted(named) == sorted(
        [
            "GATEHOUSE_IDEL_TIMEOUT",
            "GATEHOUSE_IDLE_TIMEOUT",
            "SECRET_KEY",
            "GATEHOUSE_BASE_URL",
            "PORT",
            "GOOGLE_CLIENT_SECRET",
            "GATEHOUSE_OIDC_CORP_CLIENT_ID",
            "GATEHOUSE_OIDC_CORP_CLIENT_SECRET",
            "GATEHOUSE_DEFAULT_ROLE",
        ]
    )


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("GATEHOUSE_IDLETIMEOUT", "GATEHOUSE_IDLE_TIMEOUT"),
        ("GATEHOUSE_IDEL_TIMEOUT", "GATEHOUSE_IDLE_TIMEOUT"),
        ("GATEHOUSE_SIGN_UP", "GATEHOUSE_SIGNUP"),
        ("GATEHOUSE_TRUSTED_PROXY", "GATEHOUSE_TRUSTED_PROXIES"),
        ("GATEHOUSE_BASEURL", "GATEHOUSE_BASE_URL"),
        ("GATEHOUSE_SECRET_KEY", "SECRET_KEY"),
        ("GATEHOUSE_DATABASE_URL", "DATABASE_URL"),
        ("GATEHOUSE_GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_ID"),
        ("GATEHOUSE_OIDC_CORP_ISUER", "GATEHOUSE_OIDC_CORP_ISSUER"),
        ("GATEHOUSE_OIDC_CORP_CLIENTID", "GATEHOUSE_OIDC_CORP_CLIENT_ID"),
        ("GATEHOUSE_OIDC_BIG_CORP_CLIENT_SECRE", "GATEHOUSE_OIDC_BIG_CORP_CLIENT_SECRET"),
        ("GATEHOUSE_OICD_CORP_ISSUER", "GATEHOUSE_OIDC_CORP_ISSUER"),
        ("GATEHOUSE_OIDC_CORP_EMAIL_DOMAIN", "GATEHOUSE_OIDC_CORP_EMAIL_DOMAINS"),
    ],
)
def test_a_misspelt_name_gets_a_suggestion(problems: Callable[..., list[str]], name: str, meant: str) -> None:
    assert problems(PRODUCTION | {name: "1"}) == [f"{name} is not a setting. Did you mean {meant}?"]


@pytest.mark.parametrize("name", ["GATEHOUSE_", "GATEHOUSE_XYZZY", "GATEHOUSE_OIDC_", "GATEHOUSE_OIDC__ISSUER"])
def test_a_name_like_no_other_is_refused_too(problems: Callable[..., list[str]], name: str) -> None:
    assert problems(PRODUCTION | {name: "1"})[0].startswith(f"{name} is not a setting.")


def test_what_is_not_ours_is_left_alone(load: Load) -> None:
    assert load(PRODUCTION | {"GATE": "x", "gatehouse_env": "x", "FLASK_ENV": "x"}) == load(PRODUCTION)


@pytest.mark.parametrize(
    "name",
    [
        "GATEHOUSE_SERVICE_HOST",
        "GATEHOUSE_SERVICE_PORT",
        "GATEHOUSE_SERVICE_PORT_HTTP",
        "GATEHOUSE_PORT",
        "GATEHOUSE_PORT_5000_TCP",
        "GATEHOUSE_PORT_5000_TCP_PROTO",
        "GATEHOUSE_PORT_5000_TCP_PORT",
        "GATEHOUSE_PORT_5000_TCP_ADDR",
        "GATEHOUSE_PORT_53_UDP",
        # Beside a Service that is called gatehouse-db.
        "GATEHOUSE_DB_SERVICE_HOST",
        "GATEHOUSE_DB_PORT_5432_TCP_ADDR",
    ],
)
def test_what_kubernetes_says_of_services_is_no_setting(load: Load, name: str) -> None:
    assert load(PRODUCTION | {name: "tcp://10.0.0.7:5000"}) == load(PRODUCTION)


@pytest.mark.parametrize(
    "name",
    [
        "GATEHOUSE_PORTT",
        "GATEHOUSE_PORTS",
        "GATEHOUSE_PORT_",
        "GATEHOUSE_PORT_HTTP",
        "GATEHOUSE_PORT_5000",
        "GATEHOUSE_PORT_5000_SCTP",
        "GATEHOUSE_SERVICE",
        "GATEHOUSE_SERVICE_URL",
        "GATEHOUSE_SERVICEHOST",
        "GATEHOUSE_SERVICE_HOSTS",
    ],
)
def test_what_only_looks_like_it_is_a_mistake(problems: Callable[..., list[str]], name: str) -> None:
    assert problems(PRODUCTION | {name: "1"})[0].startswith(f"{name} is not a setting.")
