"""One module a page, each with `layout` and `wire`."""
