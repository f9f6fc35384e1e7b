/* What the pages of user administration do besides htmx: keys, focus, the selection, questions before something is
 * removed, and copying a link. All of them work without this file; its sentences stand in the templates. */
"use strict";
{
  const { $, TEXT_FIELDS, goTo, listen } = gatehouseKeys;

  /* --- The address and the table -------------------------------------------------------------- */

  const TABLE = "user-table";
  const CHOICES = ["q", "role", "status"];
  const FILTERS = [...CHOICES, "sort"];
  const asking = new Set();
  let place = null;
  let isOutdated = false;
  let shown = "";

  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    if (ctx.target?.id !== TABLE || ctx.request.method !== "GET" || ctx.sourceElement === ctx.target) return;
    ctx.chosen = chosen();
    if (!ctx.sourceElement.matches("a") || isOvertaken(ctx.request)) sayAll(ctx.request.body);
  });

  /** One list has one address: the same order whatever was touched last, and nothing that says nothing. */
  function sayAll(body) {
    // Also what comes with the rows, which htmx does not look for outside of the form.
    const said = new FormData($("filters"));
    for (const name of FILTERS) {
      body.delete(name);
      if (said.get(name)) body.append(name, said.get(name));
    }
  }

  /** What the fields say about who is on the list. */
  const chosen = () => CHOICES.map((name) => $("filters").elements[name].value).join("\n");

  /** Whether something has been typed or chosen since the list was asked for whose link this is: then both count. */
  function isOvertaken(request) {
    const { pathname, searchParams: said } = new URL(request.action, location.href);
    $("filters").elements.sort.value = said.get("sort") ?? "";
    if (chosen() === shown) return false;
    // Other people have other pages: of those, it leads to the first.
    request.action = pathname;
    return true;
  }

  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    if (ctx.target?.id !== TABLE) return;
    asking.add(ctx);
    $(TABLE).ariaBusy = "true";
    // What was said about rows that are leaving can go; what a change has just led to stays.
    if (ctx.sourceElement !== ctx.target) $("gatehouse-messages").replaceChildren();
  });

  // A Cancel that has waited for a Save has its row already, unless that was refused: nobody needs to read it again,
  // and the answer would take away an edit that was begun in it meanwhile.
  document.addEventListener("htmx:before:request", (event) => {
    const { sourceElement, target } = event.detail.ctx;
    const isOver = "cancel" in sourceElement.dataset && !sourceElement.isConnected;
    if (isOver && !$(target.id)?.matches(".editing")) event.preventDefault();
  });

  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
    asking.delete(ctx);
    if (asking.size || !$(TABLE)) return;
    $(TABLE).ariaBusy = null;
    if (isOutdated) readAgain();
  });

  /** Show what a change has led to: at once, or in the list that is on its way, which may have been read before. */
  function readAgain() {
    isOutdated = asking.size > 0;
    if (!isOutdated) $(TABLE).dispatchEvent(new CustomEvent("gatehouse:read"));
  }

  document.addEventListener("gatehouse:refresh", readAgain);

  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    if (asking.size && ctx.request.method !== "GET") isOutdated = true;
  });

  /* --- Focus and the selection survive what is replaced ---------------------------------------- */

  const selected = new Set();
  const picks = () => [...document.querySelectorAll("#user-rows input[name=user]")];
  const stopOf = (row) => row?.querySelector("[data-edit]") ?? row?.querySelector(".name a");

  document.addEventListener("htmx:before:swap", ({ detail: { ctx, tasks } }) => {
    const held = document.activeElement;
    if (ctx.target?.id === TABLE) keepEdits(tasks);
    const row = held?.closest?.("#user-rows tr");
    if (row) place = { ids: [row.id, row.nextElementSibling?.id, row.previousElementSibling?.id] };
    // The button that takes something back goes with its message.
    else if (held?.closest?.("#gatehouse-messages")) place = { ids: [ctx.target?.id] };
    else if (held?.closest?.(".pager") && ctx.sourceElement.closest?.(".pager")) place = { ids: [], top: "user-count" };
  });

  /** A row in which somebody types is not read anew with the list. */
  function keepEdits(tasks) {
    for (const { id } of document.querySelectorAll("#user-rows .editing")) {
      for (const { fragment } of tasks) fragment.getElementById?.(id)?.setAttribute("hx-preserve", "");
    }
  }

  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    // Who turns a page begins to read it at its top.
    if (place?.top) $(place.top)?.focus({ preventScroll: true });
    else if (place && document.activeElement === document.body) {
      const row = place.ids.map((id) => id && $(id)).find(Boolean);
      (stopOf(row) ?? $("users-title"))?.focus();
    }
    place = null;
    if (!$(TABLE)) return;
    // A refusal brings its message alone, and leaves the list that was there before.
    if (ctx.response?.status < 400) shown = ctx.chosen ?? shown;
    for (const pick of picks()) pick.checked = selected.has(pick.id);
    countSelection();
    // The answer to a filter is read out while focus stays in the filter.
    if (ctx.target?.id === TABLE && document.activeElement?.form === $("filters")) {
      $("user-status").textContent = $("user-count").innerText;
    }
  });

  /** Bring the bar, the box for the whole page and the choice of all that match up to date. */
  function countSelection() {
    const bar = $("bulk-bar");
    selected.clear();
    for (const pick of picks()) if (pick.checked) selected.add(pick.id);
    if (!bar) return;
    const [all, everyone] = [$("pick-all"), $("bulk-everyone")];
    all.checked = selected.size > 0 && selected.size === picks().length;
    all.indeterminate = selected.size > 0 && !all.checked;
    bar.classList.toggle("has-selection", selected.size > 0);
    $("bulk-count").textContent = sentence(bar, "count");
    if (!everyone) return;
    // Whoever has ticked a whole page may mean all the others, too.
    everyone.hidden = !all.checked;
    if (!all.checked) everyone.querySelector("input").checked = false;
  }

  /** One of the bar's sentences for as many as are selected. */
  function sentence(bar, name) {
    const everyone = bar.querySelector("input[name=everyone]:checked");
    const form = everyone ? "Everyone" : selected.size === 1 ? "One" : "Many";
    return (bar.dataset[name + form] ?? "").replace("{}", selected.size);
  }

  document.addEventListener("change", ({ target }) => {
    if (target.id === "pick-all") for (const pick of picks()) pick.checked = target.checked;
    if (target.closest?.(".pick, #bulk-everyone")) countSelection();
  });

  function clearSelection() {
    for (const pick of picks()) pick.checked = false;
    countSelection();
  }

  // What was done to a selection is done; ticks that stay would do it again. Those that were set meanwhile do stay.
  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    if (ctx.sourceElement.id !== "bulk" || ctx.response.status >= 400) return;
    const done = new Set(ctx.request.body.getAll("user"));
    for (const pick of picks()) if (done.has(pick.value)) pick.checked = false;
    const wasInBar = $("bulk-bar")?.contains(document.activeElement);
    countSelection();
    if (wasInBar || document.activeElement === document.body) $("users-title").focus();
  });

  /* --- Questions ------------------------------------------------------------------------------ */

  /** Ask in a dialog, and promise whether the answer is yes. Escape means no; the browser gives focus back. */
  async function ask(title, text, action) {
    const dialog = $("confirm");
    // A second question would change what the first one asks, and one answer would be given to both.
    if (dialog.open) return false;
    const asker = document.activeElement;
    $("confirm-title").textContent = title;
    $("confirm-text").textContent = text;
    dialog.querySelector("[data-confirm-go]").textContent = action;
    dialog.returnValue = "";
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "confirmed"), { once: true });
    }).finally(() => {
      // The browser finds nobody there if an answer has brought a new row meanwhile.
      if (!asker.isConnected) $(asker.id)?.focus();
    });
  }

  document.addEventListener("htmx:confirm", async (event) => {
    const { ctx, issueRequest, dropRequest } = event.detail;
    const { confirmTitle, confirmAction } = ctx.sourceElement.dataset;
    event.preventDefault();
    if (await ask(confirmTitle, ctx.confirm, confirmAction)) issueRequest();
    else dropRequest();
  });

  async function deleteSelected(button) {
    const bar = $("bulk-bar");
    const sure = await ask(sentence(bar, "title"), button.dataset.confirmText, button.dataset.confirmAction);
    if (sure) $("bulk").requestSubmit($("bulk-delete"));
  }

  const tell = (detail) => document.dispatchEvent(new CustomEvent("gatehouse:message", { detail }));

  async function copy(button) {
    const { copy: link, copied, failed } = button.dataset;
    try {
      await navigator.clipboard.writeText(link);
      tell({ text: copied });
    } catch {
      // Where the page came without encryption, or somebody has forbidden it: then it is copied by hand.
      const shown = button.parentElement.querySelector(".link, #link");
      shown.classList.remove("plain");
      if (shown.matches("details")) shown.open = true;
      else shown.select();
      tell({ text: failed, isFailure: true });
    }
  }

  document.addEventListener("click", ({ target }) => {
    const button = target.closest?.("button");
    if (!button) return;
    if ("bulkDelete" in button.dataset) deleteSelected(button);
    if ("copy" in button.dataset) copy(button);
    if ("clearSelection" in button.dataset) {
      clearSelection();
      $("user-count").focus();
    }
  });

  /* --- Keys ----------------------------------------------------------------------------------- */

  /** From the search field to the first row, and between rows: the same control of the other row, if it has it. */
  function step(from, down) {
    const row = from.closest("#user-rows tr");
    if (!row) return down && goTo(stopOf($("user-rows")?.rows[0]));
    const other = down ? row.nextElementSibling : row.previousElementSibling;
    if (!other) return !down && goTo($("search"));
    const twin = from.id.startsWith(`${row.id}-`) && $(other.id + from.id.slice(row.id.length));
    return goTo(twin || stopOf(other) || other.querySelector("input, button"));
  }

  const isEntry = (element) => ["search", "user-count"].includes(element.id);

  const keys = {
    ArrowDown: (from) => (isEntry(from) || from.closest("#user-rows tr:not(.editing)")) && step(from, true),
    ArrowUp: (from) => from.closest("#user-rows tr:not(.editing)") && step(from, false),
    Escape: (from) => {
      const row = from.closest("#user-rows tr");
      const asked = row?.querySelector("[data-edit].htmx-request");
      if (asked) return asked.dispatchEvent(new CustomEvent("htmx:abort"));
      const cancel = row?.querySelector("[data-cancel]");
      if (cancel) cancel.click();
      return Boolean(cancel) || (row && goTo($("search")));
    },
  };

  const characterKeys = {
    e: (from) => {
      const edit = !from.matches(TEXT_FIELDS) && from.closest("#user-rows tr")?.querySelector("[data-edit]");
      if (edit) edit.click();
      return Boolean(edit);
    },
  };

  listen("search", keys, characterKeys);

  document.addEventListener("DOMContentLoaded", () => {
    if (!$("filters")) return;
    shown = chosen();
    countSelection();
  });
}
