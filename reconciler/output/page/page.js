"use strict";
(() => {
  const all = (what, under = document) => [...under.querySelectorAll(what)];
  const actions = all("details.action");
  const nodes = all(".graph .node");
  const buttons = all("button[data-facet]");
  const search = document.querySelector("input[type=search]");
  const count = document.querySelector(".count");

  const chosen = () => {
    const found = {};
    for (const one of buttons) {
      if (one.getAttribute("aria-pressed") === "true") {
        (found[one.dataset.facet] ??= new Set()).add(one.dataset.value);
      }
    }
    return found;
  };

  const fits = (one, wanted, words) =>
    Object.entries(wanted).every(([facet, values]) => (one.dataset[facet] ?? "").split(" ").some((value) => values.has(value)))
    && words.every((word) => (one.dataset.text ?? "").includes(word));

  const show = () => {
    const wanted = chosen();
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const one of actions) {
      one.hidden = !fits(one, wanted, words);
      shown += one.hidden ? 0 : 1;
    }
    for (const group of all("section.group")) {
      group.hidden = all("details.action", group).every((one) => one.hidden);
    }
    for (const node of nodes) {
      node.classList.toggle("off", !fits(node, wanted, []));
    }
    count.textContent = shown === actions.length ? `${shown} shown` : `${shown} of ${actions.length} shown`;
  };

  const reveal = () => {
    const one = location.hash.length > 1 ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
    if (one instanceof HTMLDetailsElement) {
      one.hidden = false;
      one.closest("section.group").hidden = false;
      one.open = true;
      one.scrollIntoView();
    }
  };

  for (const one of buttons) {
    one.addEventListener("click", () => {
      one.setAttribute("aria-pressed", String(one.getAttribute("aria-pressed") !== "true"));
      show();
    });
  }
  search.addEventListener("input", show);
  document.querySelector("#clear").addEventListener("click", () => {
    buttons.forEach((one) => one.setAttribute("aria-pressed", "false"));
    search.value = "";
    show();
  });
  for (const [id, open] of [["#open", true], ["#close", false]]) {
    document.querySelector(id).addEventListener("click", () => actions.forEach((one) => { one.open = open; }));
  }
  for (const graph of all(".graph")) {
    const mark = (event, near) => {
      const node = event.target.closest(".node");
      if (node) {
        all(`.edge[data-a="${node.dataset.n}"], .edge[data-b="${node.dataset.n}"]`, graph)
          .forEach((edge) => edge.classList.toggle("near", near));
      }
    };
    graph.addEventListener("mouseover", (event) => mark(event, true));
    graph.addEventListener("mouseout", (event) => mark(event, false));
  }
  addEventListener("hashchange", reveal);
  document.querySelector(".bar").hidden = false;
  show();
  reveal();
})();
