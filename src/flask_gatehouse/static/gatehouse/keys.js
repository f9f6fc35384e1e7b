/* Keys of the pages that have a list below a search field; what each key does is the page's own. */
"use strict";

const gatehouseKeys = (() => {
  const SETTING = "gatehouse-character-keys";
  const TEXT_FIELDS = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
  const $ = (id) => document.getElementById(id);

  // Parts that make sense with script only, or without it only, are told apart by the style sheet.
  document.documentElement.dataset.scripted = "";

  function goTo(element) {
    element?.focus();
    element?.scrollIntoView({ block: "nearest" });
    return Boolean(element);
  }

  /** Let keys do what they are for, and a slash lead to the search field.
   * Each is given the element with focus, and returns whether it has done anything; characters can be switched off. */
  function listen(search, keys, characterKeys = {}) {
    const characters = {
      "/": (from) => {
        if (from.matches(TEXT_FIELDS)) return false;
        $(search).select();
        return goTo($(search));
      },
      ...characterKeys,
    };

    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !$(search)) return;
      if (event.defaultPrevented || document.querySelector("dialog:modal")) return;
      const isOn = localStorage.getItem(SETTING) !== "off";
      const act = keys[event.key] ?? (isOn ? characters[event.key.toLowerCase()] : undefined);
      if (act?.(event.target)) event.preventDefault();
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    const setting = document.querySelector("[data-character-keys]");
    if (!setting) return;
    setting.checked = localStorage.getItem(SETTING) !== "off";
    setting.addEventListener("change", () => localStorage.setItem(SETTING, setting.checked ? "on" : "off"));
  });

  return { $, TEXT_FIELDS, goTo, listen };
})();
