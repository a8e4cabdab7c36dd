/* Browser callbacks: update the address, fold the controls on a phone, search the levers and places, open definitions,
   and show a lever's value while it moves. */
window.dashMantineFunctions = Object.assign({}, window.dashMantineFunctions, {
  leverText: function (value, options) {
    const number = Number((value * options.scale).toFixed(options.decimals)) + 0; // no "-0.0"
    const sign = options.signed && number > 0 ? "+" : "";
    const text = number.toLocaleString("en-GB", {
      minimumFractionDigits: options.decimals,
      maximumFractionDigits: options.decimals,
    });
    const space = options.unit.startsWith("%") ? "" : " ";
    return (sign + text.replace("-", "\u2212") + space + options.unit).trim();
  },
});

(function () {
  const mergeTime = 1500; // ms: two changes within this time are one step in the browser history
  let last = 0;

  window.addEventListener("popstate", function () {
    last = 0;
    window.dash_clientside.set_props("compare-back", {
      data: { search: window.location.search, at: Date.now() },
    });
  });

  /* Selects the name in the place list on focus, so that typing searches for another place. */
  document.addEventListener("focusin", function (event) {
    if (event.target.id === "compare-place") {
      setTimeout(() => event.target.select(), 0);
    }
  });

  /* Scrolls so that a lever keeps its position while the list of moved levers above it grows. */
  const observer = new MutationObserver(function () {
    const list = document.getElementById("compare-moved-levers");
    if (!list) {
      return;
    }
    observer.disconnect();
    let height = list.offsetHeight;
    new ResizeObserver(function () {
      const grown = list.offsetHeight - height;
      height = list.offsetHeight;
      const focused = document.activeElement;
      if (grown && focused && focused.closest(".lever")) {
        const side = document.getElementById("compare-side");
        const scrolls = getComputedStyle(side).overflowY === "auto" ? side : window;
        scrolls.scrollBy({ top: grown, behavior: "instant" });
      }
    }).observe(list);
  });
  observer.observe(document, { childList: true, subtree: true });

  /* Opens and closes the definition of a word. */
  function setDefinition(button, open) {
    button.setAttribute("aria-expanded", String(open));
    button.nextElementSibling.hidden = !open;
  }

  document.addEventListener("click", function (event) {
    const button = event.target.closest && event.target.closest("button.term");
    if (button) {
      setDefinition(button, button.getAttribute("aria-expanded") !== "true");
    }
  });

  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") {
      document.querySelectorAll('button.term[aria-expanded="true"]').forEach((button) => setDefinition(button, false));
    }
  });

  function sameLink(link, other) {
    const sorted = (text) => [...new URLSearchParams(text)].map((pair) => pair.join("=")).sort().join("&");
    return sorted(link) === sorted(other);
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    upstream: {
      /* Sets the address to the link of the current state, so that the back button undoes the last change. */
      address: function (link) {
        if (typeof link === "string" && !sameLink(link, window.location.search)) {
          const now = Date.now();
          const first = last === 0 && document.getElementById("results").classList.contains("first");
          const method = first || now - last < mergeTime ? "replaceState" : "pushState";
          last = now;
          window.history[method](null, "", window.location.pathname + link + window.location.hash);
        }
        return window.dash_clientside.no_update;
      },
      /* Opens and closes the controls on a phone. */
      fold: function (clicks) {
        const open = clicks % 2 === 1;
        if (!open && clicks > 0) {
          setTimeout(() => document.getElementById("results").scrollIntoView(), 50); // after the controls have closed
        }
        return [
          open ? "controls open" : "controls",
          open ? "true" : "false",
          open ? "Show the results" : "Change the policy",
        ];
      },
      /* Shows a lever's value next to its name and in the list of moved levers; enables its reset button. */
      lever: function (value, label, id) {
        const options = label.options;
        const withUnit = Object.assign({}, options, { unit: options.full_unit });
        const text = window.dashMantineFunctions.leverText(value, withUnit);
        const listed = document.querySelector('[data-moved="' + id.name + '"]');
        if (listed && listed.textContent !== text) {
          listed.textContent = text;
        }
        const attributes = {
          thumb: {
            id: "lever-" + id.name,
            "aria-valuetext": text,
            "aria-describedby": "lever-" + id.name + "-meaning",
          },
        };
        return [text, attributes, Math.abs(value - options.baseline) <= options.step / 1000];
      },
      /* Stops asking for the state of the runs when those of the choice that the page now has have ended. */
      polling: function (ended, link) {
        return ended === link;
      },
      /* Shows the levers whose name or meaning includes every search word; hides sections without a match. */
      find: function (query) {
        const words = (query || "").toLowerCase().split(/\s+/).filter(Boolean);
        let matches = 0;
        document.querySelectorAll(".levers .section").forEach(function (section) {
          let inSection = 0;
          section.querySelectorAll(".lever").forEach(function (lever) {
            const text = lever.getAttribute("data-search");
            const fits = words.every((word) => text.includes(word));
            lever.hidden = !fits;
            inSection += fits ? 1 : 0;
          });
          section.hidden = inSection === 0;
          if (words.length) {
            if (!("before" in section.dataset)) {
              section.dataset.before = section.open ? "open" : "";
            }
            section.open = inSection > 0;
          } else if ("before" in section.dataset) {
            section.open = section.dataset.before === "open";
            delete section.dataset.before;
          }
          matches += inSection;
        });
        return matches > 0;
      },
    },
  });
})();
