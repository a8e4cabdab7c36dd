/* The few things only the browser can do: keep the address in step, fold the controls on a phone, name a thumb's value. */
window.dashMantineFunctions = Object.assign({}, window.dashMantineFunctions, {
  leverText: function (value, options) {
    const number = value * options.scale;
    const sign = options.signed && number > 0 ? "+" : "";
    const text = sign + number.toFixed(options.decimals).replace("-", "\u2212") + " " + options.unit;
    return text.trim();
  },
});

window.dash_clientside = Object.assign({}, window.dash_clientside, {
  upstream: {
    /* The address becomes the link that gives this state again, without a new entry in the history. */
    address: function (link) {
      if (typeof link === "string") {
        window.history.replaceState(null, "", window.location.pathname + link + window.location.hash);
      }
      return window.dash_clientside.no_update;
    },
    /* On a phone the controls fold away under a button. */
    fold: function (clicks) {
      const open = clicks % 2 === 1;
      return [open ? "controls open" : "controls", open ? "true" : "false", open ? "Hide the controls" : "Change the policy"];
    },
  },
});
