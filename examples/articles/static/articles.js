/* What a host's pages need besides htmx itself, whichever version they load. Each listener stands on the document,
 * so that this file may be loaded in the head, and so that no part of a page can be swapped without it. */
"use strict";
{
  /* --- The token that proves that a page of ours asked -------------------------------------- */

  function sign(method, headers) {
    const token = document.querySelector('meta[name="csrf-token"]').content;
    if (method.toUpperCase() !== "GET") headers["X-CSRFToken"] = token;
  }

  // htmx 1.9 and 2.
  document.addEventListener("htmx:configRequest", ({ detail }) => sign(detail.verb, detail.headers));

  // htmx 4.
  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => sign(ctx.request.method, ctx.request.headers));

  /* --- Answers that are no success ---------------------------------------------------------- */

  // htmx 1.9 and 2 swap nothing at 4xx and 5xx. A form that comes back with its reasons is one that they should.
  // In htmx 4 the form says it with hx-status:422, and noSwap in the page's head keeps the others out.
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.xhr?.status !== 422) return;
    detail.shouldSwap = true;
    detail.isError = false;
  });

  const MESSAGES = "gatehouse-messages";

  function say(...nodes) {
    document.getElementById(MESSAGES).replaceChildren(...nodes);
  }

  // Nor do they take the message out of a refusal, which htmx 4 does by itself.
  document.addEventListener("htmx:responseError", ({ detail: { xhr } }) => {
    const answer = new DOMParser().parseFromString(xhr.responseText, "text/html");
    say(...(answer.getElementById(MESSAGES)?.childNodes ?? ["That did not work."]));
  });

  // An answer without a message, such as one that a proxy gives in our place, is told of all the same.
  document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
    if (ctx.response.status !== 422 && !ctx.hx.redirect && !ctx.text.includes(MESSAGES)) say("That did not work.");
  });

  // What went wrong before is no news once something has worked.
  document.addEventListener("htmx:beforeRequest", () => say());
  document.addEventListener("htmx:before:request", () => say());

  // No answer at all: htmx 1.9 and 2, then 4.
  for (const name of ["htmx:sendError", "htmx:error"]) {
    document.addEventListener(name, () => say("The server cannot be reached. Nothing was changed."));
  }
}
