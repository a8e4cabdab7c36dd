"""The comparison page: layout, callbacks, and the content of the results section."""
