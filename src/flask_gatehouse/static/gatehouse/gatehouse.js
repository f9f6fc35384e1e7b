/* What a page of Gatehouse does besides htmx: keep htmx within the Content-Security-Policy, prove that a
 * change was asked for here, say what went wrong, and watch how long the session lasts. Loaded after
 * htmx and before the body, so that everything that needs the document waits for it. */
"use strict";
{
  const MESSAGES = "gatehouse-messages";

  /* --- Security ----------------------------------------------------------------------------- */

  function refuseCode() {
    throw new TypeError("Gatehouse runs no code that comes as text.");
  }

  // Answers are our own templates, which escape: they enter the page as markup. One that holds a script does
  // not enter it at all, in browsers without Trusted Types either.
  const rules = { createHTML: (markup) => markup, createScript: refuseCode };
  const policy = window.trustedTypes ? window.trustedTypes.createPolicy("htmx", rules) : rules;

  htmx.registerExtension("gatehouse", {
    init: (api) => api.initSecurity(policy, refuseCode, refuseCode),
  });

  const csrfToken = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

  document.addEventListener("htmx:config:request", ({ detail }) => {
    const { method, headers } = detail.ctx.request;
    if (!["GET", "HEAD", "OPTIONS", "QUERY"].includes(method)) headers["X-CSRFToken"] = csrfToken();
  });

  /* --- Messages and focus ------------------------------------------------------------------- */

  let leaving = false;

  /** The sentences that this script says: data attributes of the live region. */
  const words = () => document.getElementById(MESSAGES).dataset;

  /** Show one of them in the live region and return its box. */
  function say(name) {
    return show("gatehouse-message", words()[name]);
  }

  function show(template, text) {
    const box = document.getElementById(template).content.firstElementChild.cloneNode(true);
    box.querySelector("p").textContent = text;
    document.getElementById(MESSAGES).replaceChildren(box);
    return box;
  }

  // What was done to something that is not there any more, whose answer has no place for it; or without a request.
  document.addEventListener("gatehouse:message", ({ detail: { text, isFailure } }) => {
    show(isFailure ? "gatehouse-message" : "gatehouse-done", text);
  });

  let failure = null;

  // No answer at all, because of the network or the deadline, or one that cannot be shown.
  document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
    if (ctx && !leaving) failure = say(ctx.response ? "failed" : "unreachable");
  });

  // Our own refusals bring their message along; what a proxy answers in our place does not.
  document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
    const isExpected = ctx.sourceElement.hasAttribute(`hx-status:${ctx.response.status}`);
    if (!ctx.hx.redirect && !isExpected && !ctx.text.includes(MESSAGES)) failure = say("failed");
  });

  /* --- Between a press and its answer ---------------------------------------------------------- */

  /** Of each element, what it has sent that is not answered yet. */
  const underWay = new WeakMap();
  const homeless = new WeakSet();
  let held = null;

  const isQueued = (element) => element.getAttribute?.("hx-sync")?.includes(":queue");
  const isField = (one) => one.id && one.matches("input:not([type=hidden], [type=checkbox], [type=radio]), select, textarea");
  const fieldsOf = ({ request: { form } }) => [...(form?.elements ?? [])].filter(isField);

  /** Whether focus is still where it was at a press, or nowhere, since an answer has taken that away. */
  function hasStayed(before) {
    const here = document.activeElement;
    return here === document.body || here === before || Boolean(here.id && here.id === before?.id);
  }

  // What waits its turn and is pressed once more is wanted once: the second time would undo it, or be told it is done.
  // A form that says something else by then is another wish.
  document.addEventListener("htmx:config:request", (event) => {
    const { ctx } = event.detail;
    const { sourceElement } = ctx;
    ctx.held = document.activeElement;
    ctx.sent = new Map(fieldsOf(ctx).map((field) => [field.id, field.value]));
    if (!isQueued(sourceElement)) return;
    const wish = new URLSearchParams(ctx.request.body).toString();
    const wishes = underWay.get(sourceElement) ?? new Set();
    if (wishes.has(wish)) return event.preventDefault();
    underWay.set(sourceElement, wishes.add(wish));
    ctx.wish = wish;
  });

  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
    underWay.get(ctx.sourceElement)?.delete(ctx.wish);
  });

  document.addEventListener("htmx:before:request", (event) => {
    const { ctx } = event.detail;
    // What is read for a row that went while the press waited its turn has nobody to show it to.
    if (ctx.request.method === "GET" && !placeOf(ctx)) return event.preventDefault();
    // Whoever tries again has read why the last time failed.
    if (!ctx.request.headers["Gatehouse-Background"]) failure?.remove();
  });

  /** Where an answer belongs: to what it was asked for, or to what has taken the place of that meanwhile. */
  function placeOf({ target, sourceElement }) {
    if (!target) return sourceElement.hasAttribute("hx-target") ? null : document.body;
    if (target.isConnected || target === sourceElement) return target;
    return target.id ? document.getElementById(target.id) : null;
  }

  // htmx drops an answer whose place is gone, with what it has to say.
  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    held = ctx.held;
    const place = placeOf(ctx);
    if (place && ctx.target) ctx.target = place;
    if (place) return;
    homeless.add(ctx);
    ctx.target = document.getElementById(MESSAGES);
  });

  document.addEventListener("htmx:before:swap", ({ detail: { ctx, tasks } }) => {
    const main = tasks.findIndex((task) => task.type === "main");
    if (main < 0) return;
    if (homeless.has(ctx)) return tasks.splice(main, 1);
    const { fragment } = tasks[main];
    if (!hasStayed(ctx.held)) for (const one of fragment.querySelectorAll("[autofocus]")) one.autofocus = false;
    // What was typed since a form was sent stays typed: also into the one that an answer before this one has brought.
    for (const [id, sent] of ctx.sent) {
      const field = document.getElementById(id);
      const successor = field && field.value !== sent && fragment.getElementById(id);
      if (!successor) continue;
      successor.value = field.value;
      held = null;
    }
  });

  // The server names where focus goes when what held it has been removed; whoever has gone on is left where she is.
  document.addEventListener("gatehouse:focus", ({ target }) => hasStayed(held) && target.focus?.());

  const viewersTime = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "full", timeStyle: "long" });

  /** Give every moment a hint in the viewer's own time zone. */
  function localiseTimes() {
    for (const element of document.querySelectorAll("time[datetime]:not([data-local])")) {
      const moment = new Date(element.dateTime);
      if (Number.isNaN(moment.getTime())) continue;
      element.title = viewersTime.format(moment);
      element.dataset.local = "";
    }
  }

  document.addEventListener("htmx:after:swap", localiseTimes);

  /* --- The session -------------------------------------------------------------------------- */

  const VISIBLE_PAUSE = 5_000;
  const HIDDEN_PAUSE = 30_000;
  const RETRY_PAUSE = 2_000;
  const LAST_CALL = 30;
  const MILESTONES = [10, 30, 60];

  const minutesAndSeconds = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

  // Whoever confirms is given a new cookie. A question that is under way with the old one would hear that nobody is
  // signed in, and leave the page with all that was typed.
  const isConfirming = () => document.getElementById("gatehouse-confirm")?.open;

  /** Ask the server how long the session lasts, warn in time, and leave once it has ended (WCAG 2.2.1). */
  class SessionWatch {
    #url;
    #endsAt;
    #warnAt = 0;
    #extendable = true;
    #dismissedUntil = Infinity;
    #announced = Infinity;
    #failures = 0;
    #latest = 0;
    #asking = false;
    #timer;
    #lostMessage = null;
    #title = document.title;
    #dialog = document.getElementById("session-warning");
    #otherTabs = new BroadcastChannel("gatehouse");

    constructor({ sessionUrl, secondsLeft }) {
      this.#url = sessionUrl;
      this.#endsAt = Date.now() + Number(secondsLeft) * 1000;
      this.#otherTabs.addEventListener("message", ({ data }) => this.#learn(data));
      document.addEventListener("visibilitychange", () => document.hidden || this.ask());
      window.addEventListener("online", () => this.ask());
      this.#dialog.addEventListener("close", () => this.#dismiss());
      this.#find("[data-stay]").addEventListener("click", () => this.ask("POST"));
      setInterval(() => this.#tick(), 1000);
      this.#schedule();
    }

    /** Ask for the time left; a POST prolongs it. */
    async ask(method = "GET") {
      if (leaving || (method === "GET" && (this.#asking || isConfirming()))) return this.#schedule();
      this.#asking = true;
      const turn = ++this.#latest;
      try {
        const answer = await fetch(this.#url, {
          method,
          cache: "no-store",
          redirect: "manual",
          signal: AbortSignal.timeout(10_000),
          headers: {
            Accept: "application/json",
            "HX-Request": "true",
            "HX-Current-URL": location.href,
            ...(method === "POST" && { "X-CSRFToken": csrfToken() }),
          },
        });
        const status = answer.ok ? await answer.json() : null;
        // An answer that another question has overtaken says less than that one will.
        if (turn !== this.#latest || leaving) return;
        if (answer.status === 401 || answer.type === "opaqueredirect") this.#leave(answer);
        else if (status) this.#learn(status, method);
        else this.#fail(method);
      } catch {
        if (turn === this.#latest) this.#fail(method);
      } finally {
        if (turn === this.#latest) {
          this.#asking = false;
          this.#schedule();
        }
      }
    }

    #schedule() {
      clearTimeout(this.#timer);
      const pause = document.hidden ? HIDDEN_PAUSE : VISIBLE_PAUSE;
      this.#timer = setTimeout(() => this.ask(), this.#failures === 1 ? RETRY_PAUSE : pause);
    }

    #learn(status, method) {
      this.#endsAt = Date.now() + status.seconds_left * 1000;
      this.#extendable = status.extendable;
      this.#warnAt = status.warn_at;
      this.#failures = 0;
      this.#lostMessage?.remove();
      this.#find("[data-problem]").textContent = "";
      if (method === "POST") this.#otherTabs.postMessage(status);
      this.#tick();
    }

    /** One lost question happens, when a laptop wakes for instance; two in a row are worth a word. */
    #fail(method) {
      if (leaving) return;
      if (++this.#failures === 2) this.#lostMessage = say("offline");
      // What lies behind a modal dialog is neither seen nor read out.
      if (method === "POST") this.#find("[data-problem]").textContent = words().unreachable;
    }

    #leave(answer) {
      leaving = true;
      const told = answer.headers.get("HX-Redirect");
      const target = told ? new URL(told, location.href) : null;
      if (target?.origin === location.origin) location.assign(target);
      else location.reload();
    }

    #tick() {
      const left = this.#secondsLeft();
      if (left > this.#warnAt) {
        this.#dismissedUntil = Infinity;
        if (this.#dialog.open) this.#dialog.close();
        return;
      }
      if (left === 0) this.ask();
      if (!this.#dialog.open) {
        if (left > this.#dismissedUntil) return;
        this.#open();
      }
      this.#find("[data-countdown]").textContent = minutesAndSeconds(left);
      this.#announce(left);
    }

    #open() {
      for (const part of this.#dialog.querySelectorAll("[data-when]")) {
        part.hidden = (part.dataset.when === "extendable") !== this.#extendable;
      }
      const again = this.#find("[data-sign-in]");
      // A host may have added to its address.
      const query = new URLSearchParams(again.search);
      query.set("next", location.pathname + location.search);
      again.search = query.toString();
      this.#announced = Infinity;
      this.#dialog.showModal();
      document.title = `${this.#find("h2").innerText} · ${this.#title}`;
    }

    /** Speak at a few moments only: a voice that counts every second drowns everything else. */
    #announce(left) {
      const milestone = MILESTONES.find((seconds) => left <= seconds);
      if (milestone === undefined || milestone >= this.#announced) return;
      this.#announced = milestone;
      const text = left > LAST_CALL ? words().minute : words().seconds.replace("{}", left);
      this.#find("[data-announcement]").textContent = text;
    }

    /** Escape puts the warning away; it comes once more before the end. */
    #dismiss() {
      document.title = this.#title;
      const left = this.#secondsLeft();
      if (left <= this.#warnAt) this.#dismissedUntil = left > LAST_CALL ? LAST_CALL : -1;
    }

    #secondsLeft() {
      return Math.max(0, Math.ceil((this.#endsAt - Date.now()) / 1000));
    }

    #find(selector) {
      return this.#dialog.querySelector(selector);
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    localiseTimes();
    const region = document.getElementById(MESSAGES);
    // A live region is read out when it changes, not for what it holds when the page loads.
    setTimeout(() => region.replaceChildren(...region.childNodes), 200);
    if (document.body.dataset.sessionUrl) new SessionWatch(document.body.dataset);
  });

  /* A page in the back/forward cache may show what only somebody who has signed out since was allowed to
   * see. It is hidden on its way in, and asked for anew on its way out. */
  window.addEventListener("pagehide", ({ persisted }) => {
    leaving = true;
    if (persisted && document.body.dataset.sessionUrl) document.documentElement.dataset.stale = "";
  });
  window.addEventListener("pageshow", ({ persisted }) => {
    leaving = false;
    if (persisted && document.body.dataset.sessionUrl) location.reload();
  });
}
