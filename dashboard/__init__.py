"""The web page. Charts and tables are pure functions of a comparison's document; `pages` has layout and callbacks."""
