"""The web page: charts are pure functions of a comparison's document, pages only wire them together."""
