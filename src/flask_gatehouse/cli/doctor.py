"""``gatehouse doctor``: the checklist of a deployment, carried out."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from flask import Flask, render_template
from flask.cli import ScriptInfo

from ..ops.doctor.checklist import checklist
from ..ops.doctor.finding import Result
from ..ops.doctor.report import Report
from ..ops.doctor.running import Examined, examine
from ..ops.doctor.site import Site
from ..ops.doctor.subject import Rehearsal, Subject
from ..ops.doctor.unusable import examine_without_settings
from ..settings import ConfigurationError
from ..web.csrf import protect
from ..web.denials import CrossSiteRequest
from ..web.letters import writer_of
from ..web.state import EXTENSION, State
from .judging import Doctor
from .progress import bar

_COLOURS = {Result.OK: "green", Result.WARNING: "yellow", Result.FAILED: "red", Result.UNKNOWN: "cyan"}
_WORDS = {Result.OK: "ok", Result.WARNING: "know", Result.FAILED: "FAILED", Result.UNKNOWN: "unknown"}


def _origin(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    parts = urlsplit(value)
    try:
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or "@" in parts.netloc or parts.query or parts.fragment:
        raise click.BadParameter("it is a scheme and a host, such as https://gate.example.com")
    return value.rstrip("/")


@click.command("doctor", cls=Doctor)
@click.option("--url", callback=_origin, help="A deployment to examine as well, as people reach it.")
@click.option("--plain-url", callback=_origin, help="Where it answers plain http, if that is not port 80.")
@click.option("--send", is_flag=True, help="Send a test message to whoever is told of alerts.")
@click.option("--json", "as_json", is_flag=True, help="Say it for a script.")
@click.pass_obj
def doctor(info: ScriptInfo, url: str | None, plain_url: str | None, *, send: bool, as_json: bool) -> None:
    """Go through the whole checklist of a deployment: ask, try, show the answer, and say what to do.

    Exit 0: all is well. 1: something is wrong. 2: nothing is known to be wrong, and something could not be told.
    """
    try:
        app = info.load_app()
    except ConfigurationError as error:
        _say(Report(examine_without_settings(error)), as_json=as_json)
        raise SystemExit(1) from None
    with app.app_context():
        subject = subject_of(app, _site(app, url, plain_url), send=send)
        checks = checklist(subject)
        with bar("Examining", len(checks)) as shown:
            examined = examine(subject, checks, lambda one: shown.update(1))
    report = Report(examined, url)
    _say(report, as_json=as_json)
    raise SystemExit(report.exit_code)


def subject_of(app: Flask, site: Site | None, *, send: bool) -> Subject:
    """Return what is examined of an application, within its context."""
    state: State = app.extensions[EXTENSION]
    return Subject(
        settings=state.settings,
        database=state.database.detached(),
        folder=Path.cwd(),
        rehearsal=_rehearsal(app),
        write=writer_of(app),
        signing_keys=tuple(key.decode() for key in state.keys),
        session_cookie=state.session_cookie,
        site=site,
        send=send,
    )


def _site(app: Flask, url: str | None, plain_url: str | None) -> Site | None:
    if url is None:
        return None
    settings, parts = app.extensions[EXTENSION].settings, urlsplit(url)
    prefix = f"{settings.root}{settings.url_prefix}"
    if parts.path not in {"", prefix}:
        raise click.BadParameter(f"this application is at {prefix or '/'} there: leave the path out")
    return Site(f"{parts.scheme}://{parts.netloc}", prefix, plain_url or f"http://{_bracketed(parts.hostname or '')}")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _rehearsal(app: Flask) -> Rehearsal:
    def escape(text: str) -> str:
        facts: dict[str, Any] = {"step": "ask", "held": False, "release": None, "support_email": None}
        with app.test_request_context("/"):
            return render_template("gatehouse/auth/not_me.html", email=text, **facts)

    def refuses_change(headers: dict[str, str]) -> bool:
        with app.test_request_context("/", method="POST", headers=headers):
            try:
                protect()
            except CrossSiteRequest:
                return True
        return False

    return Rehearsal(app.debug or app.testing, escape, refuses_change)


def _say(report: Report, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
        return
    for one in report.examined:
        click.echo("\n".join(_lines(one)))
    click.echo(f"\n{report.summary}")


def _lines(one: Examined) -> Sequence[str]:
    check, finding = one.check, one.finding
    word = click.style(f"{_WORDS[finding.result]:8}", fg=_COLOURS[finding.result], bold=finding.result is not Result.OK)
    name = f"{check.name} ({check.about})" if check.about else check.name
    lines = [f"{word}{click.style(check.title, bold=True)}  {click.style(name, dim=True)}"]
    lines += [f"        {line}" for line in finding.evidence.splitlines()]
    if finding.mend:
        lines.append(f"        {click.style('→', fg=_COLOURS[finding.result])} {finding.mend}")
    return lines
