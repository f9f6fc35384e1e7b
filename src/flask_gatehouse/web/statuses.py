"""What an answer to a failure is made of, and what each status of HTTP says that no failure of ours stands behind."""

from dataclasses import dataclass, field, replace
from typing import Any

from .language import marked as _, text


@dataclass(frozen=True, slots=True)
class Answer:
    """What a failure says, in whichever form it is asked for.

    Those of tables speak English, until ``said`` has put them into the language of whoever asks.

    :param reasons: what is wrong with each of the ``fields``, for a page on which none of them has a place for that.
    """

    status: int
    title: str
    explanation: str
    advice: str = ""
    template: str = "gatehouse/errors/error.html"
    problem_type: str = "about:blank"
    retry_after: int | None = None
    facts: dict[str, object] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    reasons: str = ""


# What Werkzeug, or an ``abort()`` in a view, is answered with; failures of ours that mean the same say the same.
HTTP_ANSWERS: dict[int, Answer] = {
    answer.status: answer
    for answer in (
        Answer(
            400,
            _("Bad request"),
            _("The server could not make sense of this request."),
            _("Reload the page, then try again."),
        ),
        Answer(403, _("Not allowed"), _("You may not do this.")),
        Answer(404, _("Page not found"), _("There is nothing at this address."), _("Check the address, or go back.")),
        Answer(
            405,
            _("Not possible here"),
            _("This address does not take that kind of request."),
            _("Go back and use the page."),
        ),
        Answer(
            409,
            _("Somebody else was faster"),
            _("This has changed meanwhile."),
            _("Reload the page and look again."),
        ),
        Answer(413, _("Too much"), _("What was sent is larger than what is accepted here."), _("Send less at once.")),
        Answer(
            415,
            _("Not readable here"),
            _("What was sent is neither a form nor JSON."),
            _("Go back and use the page."),
        ),
        Answer(
            422,
            _("Please check your input"),
            _("Something in the form is not valid."),
            _("Correct it, then try again."),
        ),
        Answer(
            429,
            _("A little slower, please"),
            _("Too many requests came from you."),
            _("Wait a moment, then try again."),
        ),
        Answer(
            500,
            _("Something went wrong"),
            _("That is our fault, and it has been written down."),
            _("Try again, or come back later."),
        ),
        Answer(
            503,
            _("Back in a moment"),
            _("Something that we need does not answer right now."),
            _("Try again in a moment."),
        ),
    )
}


def said(answer: Answer, advice: str | None = None, **more: Any) -> Answer:
    """Return an answer of a table in the language of whoever asks.

    :param advice: what stands in the place of its own, in that language already.
    :param more: other values of its attributes.
    """
    title, explanation, own = (words and text(words) for words in (answer.title, answer.explanation, answer.advice))
    return replace(answer, title=title, explanation=explanation, advice=own if advice is None else advice, **more)
