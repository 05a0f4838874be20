import { count, el } from "./format.js";
import { STATUSES } from "./table.js";

/** @import { Entry } from "./table.js" */

/** A field and a choice that say which rows are shown. @param {readonly Entry[]} entries */
export function createFilter(entries) {
  const texts = entries.map(({ secret: { secretId, instanceId, region, versionId, taskId, error } }) =>
    [secretId, instanceId, region, versionId, taskId, error?.code].join(" ").toLowerCase(),
  );
  const search = el("input", {
    type: "search",
    placeholder: "Name, instance, region, task, code",
    "aria-label": "Filter by text",
  });
  const statuses = [
    "",
    ...STATUSES.filter((status) => entries.some(({ secret }) => secret.status === status)),
  ];
  const radios = statuses.map((value) => el("input", { type: "radio", name: "status", value }));
  const shown = el("output");

  function show() {
    const wanted = search.value.trim().toLowerCase();
    const status = radios.find(({ checked }) => checked)?.value;
    let found = 0;
    entries.forEach(({ row, more, secret }, index) => {
      const fits = texts[index]?.includes(wanted) && (!status || secret.status === status);
      row.hidden = !fits;
      if (more) more.hidden = !fits || !row.classList.contains("opened");
      if (fits) found += 1;
    });
    shown.textContent = found === entries.length ? "" : `${count(found)} of ${count(entries.length)} shown`;
  }

  function reset() {
    search.value = "";
    for (const radio of radios) radio.checked = radio.value === "";
    show();
  }

  const labels = radios.map((radio) => {
    const { value } = radio;
    const found = entries.filter(({ secret }) => !value || secret.status === value).length;
    const text = el("span", {}, `${value.replace("-", " ") || "all"} `, el("b", {}, count(found)));
    return el("label", {}, radio, text);
  });
  const choices = el("fieldset", { class: "choices" }, el("legend", {}, "Filter by status"), ...labels);
  choices.hidden = statuses.length < 3;
  search.addEventListener("input", show);
  choices.addEventListener("change", show);
  reset();
  return { box: el("div", { class: "tools", role: "search" }, search, choices, shown), reset };
}
