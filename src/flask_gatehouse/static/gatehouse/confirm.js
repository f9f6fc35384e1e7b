/* Asks who is there when htmx has met something that needs a fresh confirmation, and sends the blocked request
 * again, so that nothing that was typed is lost. For htmx 4, 2 and 1.9; it needs the dialog of
 * components/confirm_dialog.html in the page, and stands alone otherwise: a host may load it beside its own htmx. */
"use strict";
{
  const channel = new BroadcastChannel("gatehouse-confirmed");
  let asking = null;

  /** The address of the confirmation that an answer asks for, if it does. */
  function wanted(status, header) {
    if (status !== 403 || !header?.includes("gatehouse:confirm")) return null;
    try {
      const url = new URL(JSON.parse(header)["gatehouse:confirm"].url, location.href);
      return url.origin === location.origin ? url.href : null;
    } catch {
      return null;
    }
  }

  /** Ask, and promise whether she has confirmed. Requests that meet each other share one question. */
  function ask(url, signal) {
    asking ??= open(url, signal).finally(() => (asking = null));
    return asking;
  }

  function open(url, signal) {
    const dialog = document.getElementById("gatehouse-confirm");
    if (!dialog) return Promise.resolve(false);
    const link = dialog.querySelector("[data-confirm]");
    const waiting = dialog.querySelector("[data-waiting]");
    const focused = document.activeElement;
    link.href = url;
    waiting.textContent = "";
    dialog.returnValue = "";
    link.onclick = (event) => {
      waiting.textContent = waiting.dataset.text;
      // A small window where the browser allows one; the link opens a tab of its own where it does not.
      if (window.open(link.href, "gatehouse-confirm", "popup,width=520,height=720")) event.preventDefault();
    };
    channel.onmessage = () => dialog.close("confirmed");
    signal?.addEventListener("abort", () => dialog.close(), { once: true });
    return new Promise((resolve) => {
      dialog.addEventListener(
        "close",
        () => {
          channel.onmessage = null;
          focused?.focus?.();
          resolve(dialog.returnValue === "confirmed");
        },
        { once: true },
      );
      dialog.showModal();
    });
  }

  /** For how many milliseconds htmx 4 waits for an answer, as the element or the page says; for ever at 0. */
  function patienceFor({ timeout }) {
    return timeout == null ? htmx.config.defaultTimeout : htmx.parseInterval(timeout);
  }

  /* htmx 4 takes the answer of whatever fetches for it: it never sees the one that was blocked. */
  async function send(ctx, fetchOnce, action, request) {
    for (;;) {
      const response = await fetchOnce(action, request);
      const url = wanted(response.status, response.headers.get("HX-Trigger"));
      if (!url) return response;
      clearTimeout(ctx.requestTimeout);
      if (!(await ask(url, request.signal))) return response;
      const patience = patienceFor(ctx.request);
      if (patience) ctx.requestTimeout = setTimeout(() => request.abort("timeout"), patience);
    }
  }

  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    const fetchOnce = ctx.fetch;
    ctx.fetch = (action, request) => send(ctx, fetchOnce, action, request);
  });

  /* htmx 1.9 and 2 tell of the answer, and issue the request once more. */
  let replayed = null;

  document.addEventListener("htmx:responseError", async ({ detail: { xhr, target, requestConfig } }) => {
    const url = wanted(xhr.status, xhr.getResponseHeader("HX-Trigger"));
    if (!url || !(await ask(url))) return;
    const { verb, path, elt, triggeringEvent } = requestConfig;
    replayed = elt;
    htmx.ajax(verb, path, { source: elt, event: triggeringEvent, target });
  });

  // Whether she really wants it was asked the first time.
  document.addEventListener("htmx:confirm", (event) => {
    if (!replayed || event.detail.elt !== replayed) return;
    replayed = null;
    if (event.detail.question) {
      event.preventDefault();
      event.detail.issueRequest(true);
    }
  });
}
