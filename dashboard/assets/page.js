/* The few things only the browser can do: keep the address in step, fold the controls on a phone, find a lever, and
   write a lever's value while the hand is still on it. */
window.dashMantineFunctions = Object.assign({}, window.dashMantineFunctions, {
  leverText: function (value, options) {
    const number = Number((value * options.scale).toFixed(options.decimals)) + 0; // no "-0.0"
    const sign = options.signed && number > 0 ? "+" : "";
    const text = number.toLocaleString("en-GB", {
      minimumFractionDigits: options.decimals,
      maximumFractionDigits: options.decimals,
    });
    return (sign + text.replace("-", "\u2212") + " " + options.unit).trim();
  },
});

(function () {
  const still = 1500; // ms: what changes sooner than this after another change is one step back, not two
  let last = 0;

  window.addEventListener("popstate", function () {
    last = 0;
    window.dash_clientside.set_props("compare-back", {
      data: { search: window.location.search, at: Date.now() },
    });
  });

  /* A lever stays under the hand that moves it, though the list of what is moved grows above it. */
  const watch = new MutationObserver(function () {
    const own = document.getElementById("compare-own");
    if (!own) {
      return;
    }
    watch.disconnect();
    let height = own.offsetHeight;
    new ResizeObserver(function () {
      const grown = own.offsetHeight - height;
      height = own.offsetHeight;
      const held = document.activeElement;
      if (grown && held && held.closest(".lever")) {
        const side = document.getElementById("compare-side");
        const scrolls = getComputedStyle(side).overflowY === "auto" ? side : window;
        scrolls.scrollBy({ top: grown, behavior: "instant" });
      }
    }).observe(own);
  });
  watch.observe(document, { childList: true, subtree: true });

  function sameLink(one, other) {
    const sorted = (text) => [...new URLSearchParams(text)].map((pair) => pair.join("=")).sort().join("&");
    return sorted(one) === sorted(other);
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    upstream: {
      /* The address becomes the link that gives this state again; going back undoes what was changed. */
      address: function (link) {
        if (typeof link === "string" && !sameLink(link, window.location.search)) {
          const now = Date.now();
          const first = last === 0 && document.getElementById("results").classList.contains("first");
          const how = first || now - last < still ? "replaceState" : "pushState";
          last = now;
          window.history[how](null, "", window.location.pathname + link + window.location.hash);
        }
        return window.dash_clientside.no_update;
      },
      /* On a phone the controls fold away under a button. */
      fold: function (clicks) {
        const open = clicks % 2 === 1;
        if (!open && clicks > 0) {
          setTimeout(() => document.getElementById("results").scrollIntoView(), 50); // once they have folded away
        }
        return [
          open ? "controls open" : "controls",
          open ? "true" : "false",
          open ? "Show the results" : "Change the policy",
        ];
      },
      /* A lever's value in words beside its name and in the list of what is moved, and whether it can be reset. */
      lever: function (value, label, id) {
        const options = label.options;
        const bare = Object.assign({}, options, { unit: options.whole });
        const text = window.dashMantineFunctions.leverText(value, bare);
        const told = document.querySelector('[data-moved="' + id.name + '"]');
        if (told && told.textContent !== text) {
          told.textContent = text;
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
      /* Levers whose name or meaning holds every word asked for; sections without one are hidden. */
      find: function (asked) {
        const words = (asked || "").toLowerCase().split(/\s+/).filter(Boolean);
        let found = 0;
        document.querySelectorAll(".levers .section").forEach(function (section) {
          let here = 0;
          section.querySelectorAll(".lever").forEach(function (lever) {
            const text = lever.getAttribute("data-search");
            const fits = words.every((word) => text.includes(word));
            lever.hidden = !fits;
            here += fits ? 1 : 0;
          });
          section.hidden = here === 0;
          if (words.length) {
            if (!("before" in section.dataset)) {
              section.dataset.before = section.open ? "open" : "";
            }
            section.open = here > 0;
          } else if ("before" in section.dataset) {
            section.open = section.dataset.before === "open";
            delete section.dataset.before;
          }
          found += here;
        });
        return found > 0;
      },
    },
  });
})();
