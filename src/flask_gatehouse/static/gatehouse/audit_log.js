/* What the audit log does besides htmx: clean addresses, fields that say what is shown, events that unfold in place,
 * keys, and a look for what is new. All of it works without this file; its sentences stand in the templates. */
"use strict";
{
  const { $, goTo, listen } = gatehouseKeys;

  const LIST = "trail";
  const NEWS = "trail-news";
  const FILTERS = ["q", "who", "event", "outcome", "when", "since", "until", "ip"];
  const TIMES = ["when", "since", "until"];
  const asking = new Set();
  /** Of each event whose answer is on its way, whether it shall unfold: a second press has another wish. */
  const unfolding = new Map();
  const rowOf = ({ target }) => target?.closest?.(".event-more");

  /* --- The address and the list --------------------------------------------------------------- */

  const fields = () => [...$("log-filters").elements].filter((field) => FILTERS.includes(field.name));
  const valuesOf = () => Object.fromEntries(fields().map((field) => [field.name, field.value]));
  let shown = {};

  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    if (ctx.target?.id !== LIST) return;
    if (ctx.sourceElement.matches("a")) followLink(ctx);
    if (!ctx.sourceElement.closest?.("#log-filters")) return;
    // One list has one address: the same order whatever was touched last, and nothing that says nothing.
    const { body } = ctx.request;
    // Also what comes with the list, which htmx does not look for outside of the form.
    const values = valuesOf();
    // A time that is given and a word for one say two things.
    if (values.since || values.until) delete values.when;
    for (const name of FILTERS) {
      body.delete(name);
      if (values[name]) body.append(name, values[name]);
    }
  });

  /** A link of a list that was there before what has been typed or chosen since: both count, and the fields say so. */
  function followLink({ sourceElement, request }) {
    const { pathname, searchParams: said } = new URL(request.action, location.href);
    const known = new URLSearchParams($(LIST).dataset.filters);
    const clears = !sourceElement.closest(".ranges, .pager, .trail-reached, #trail-news");
    const chosen = sourceElement.closest(".ranges") ? TIMES : [];
    let isAnother = false;
    for (const field of fields()) {
      const { name, value } = field;
      if (clears || chosen.includes(name) || (said.get(name) ?? "") !== (known.get(name) ?? "")) {
        field.value = said.get(name) ?? "";
      } else if (value !== shown[name]) {
        said.set(name, value);
        isAnother = true;
      }
    }
    if (!isAnother) return;
    // Another selection of events has other pages: of those, it leads to the first.
    for (const name of FILTERS) if (said.get(name)) request.body.append(name, said.get(name));
    request.action = pathname;
  }

  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    const row = rowOf(ctx);
    if (row) unfolding.set(row, true);
    if (ctx.target?.id !== LIST) return;
    asking.add(ctx);
    ctx.values = valuesOf();
    $(LIST).ariaBusy = "true";
    $("gatehouse-messages").replaceChildren();
  });

  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
    asking.delete(ctx);
    unfolding.delete(rowOf(ctx));
    if (!asking.size && $(LIST)) $(LIST).ariaBusy = null;
  });

  const problems = () => $("log-filters").querySelectorAll(".field-error:not(:empty)");

  /** Mark the fields with which something is wrong; what it is stands beside them. */
  function markFields() {
    for (const field of $("log-filters").elements) {
      if (!$(`${field.name}-problem`)) continue;
      if ($(`${field.name}-problem`).textContent) field.ariaInvalid = "true";
      else field.removeAttribute("aria-invalid");
    }
  }

  /** Let the fields say what the list shows: a link may have chosen something else than they did. What was typed since
   * the list was asked for stays. */
  function fillFields(values) {
    const said = new URLSearchParams($(LIST).dataset.filters);
    shown = values;
    for (const field of fields()) {
      if (field.value !== values[field.name] || field === document.activeElement) continue;
      field.value = shown[field.name] = said.get(field.name) ?? "";
    }
    for (const problem of problems()) problem.replaceChildren();
  }

  let turned = false;
  let held = "";

  document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
    if (ctx.target?.id !== LIST) return;
    const focused = document.activeElement;
    turned = Boolean(focused?.closest?.(".pager, #trail-news, .trail-reached"));
    held = focused?.closest?.("#trail") ? focused.id : "";
  });

  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    const refused = $("trail-refused");
    if (ctx.target?.id === LIST && $(LIST)) {
      // What cannot be asked stays typed.
      if (!refused) fillFields(ctx.values);
      markFields();
      // Who turns a page begins to read it at its top; the answer to a filter is read out while focus stays in it.
      if (refused) $("log-status").textContent = [refused, ...problems()].map((said) => said.innerText).join(" ");
      else if (turned) $("log-count").focus({ preventScroll: true });
      else if (document.activeElement === document.body) ($(held) ?? $("log-title")).focus();
      else $("log-status").textContent = $("log-count").innerText;
      turned = false;
    }
    const row = rowOf(ctx);
    if (row) setUnfolded(row, unfolding.get(row) ?? true);
  });

  /* --- Events that unfold --------------------------------------------------------------------- */

  const linkOf = (row) => row?.querySelector(".unfold");

  function setUnfolded(row, unfolded) {
    row.hidden = !unfolded;
    linkOf(row.previousElementSibling).ariaExpanded = String(unfolded);
  }

  // Before htmx asks: an event does not change, so that it is asked for once.
  document.addEventListener(
    "click",
    (event) => {
      const link = event.target.closest?.(".unfold");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      const row = $(link.getAttribute("aria-controls"));
      if (!unfolding.has(row) && !row.firstElementChild.childElementCount) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (unfolding.has(row)) unfolding.set(row, !unfolding.get(row));
      else setUnfolded(row, row.hidden);
    },
    true,
  );

  /* --- What is new ---------------------------------------------------------------------------- */

  const PAUSE = 10_000;

  /** Ask in the background, which extends nobody's session, and only while somebody can see the answer. */
  function look() {
    if (!document.hidden && !asking.size) $(NEWS)?.dispatchEvent(new CustomEvent("gatehouse:look"));
  }

  // The watch over the session says it when the server is away; this one asks again by itself.
  for (const name of ["htmx:error", "htmx:response:error"]) {
    window.addEventListener(
      name,
      (event) => {
        if (event.detail.ctx?.sourceElement?.id === NEWS) event.stopPropagation();
      },
      true,
    );
  }

  /* --- Keys ----------------------------------------------------------------------------------- */

  const rows = () => [...document.querySelectorAll("#log-rows > tr:not(.event-more)")];

  function step(from, by) {
    if (["log-search", "log-count"].includes(from.id)) return by > 0 && goTo(linkOf(rows()[0]));
    if (!from.matches(".unfold")) return false;
    const all = rows();
    const next = all.indexOf(from.closest("tr")) + by;
    return next < 0 ? goTo($("log-search")) : goTo(linkOf(all[next]));
  }

  function foldUp(from) {
    const row = from.closest("#log-rows > tr");
    if (!row) return false;
    const more = row.matches(".event-more") ? row : row.nextElementSibling;
    if (more.hidden && !unfolding.get(more)) return goTo($("log-search"));
    if (unfolding.has(more)) unfolding.set(more, false);
    else setUnfolded(more, false);
    return goTo(linkOf(more.previousElementSibling));
  }

  const keys = {
    ArrowDown: (from) => step(from, 1),
    ArrowUp: (from) => step(from, -1),
    Escape: foldUp,
  };

  listen("log-search", keys);

  document.addEventListener("DOMContentLoaded", () => {
    for (const link of document.querySelectorAll(".unfold")) link.ariaExpanded = "false";
    shown = valuesOf();
    setInterval(look, PAUSE);
    document.addEventListener("visibilitychange", look);
  });
}
