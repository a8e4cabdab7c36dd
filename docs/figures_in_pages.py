"""Start-up file of the tutorials' kernel: shows a Plotly figure with the copy of Plotly that is part of the site.

Plotly's own output for notebooks loads scripts from another host.
"""

from itertools import count

from IPython import get_ipython
from plotly.basedatatypes import BaseFigure

numbers = count(1)


def show(figure: BaseFigure) -> str:
    """The figure as a part of an HTML page."""
    return figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        include_mathjax=False,
        default_height="420px",
        div_id=f"figure-{next(numbers)}",
        config={"displaylogo": False, "responsive": True},
    )


def register() -> None:
    """Use `show` for every figure that is the result of a cell."""
    shell = get_ipython()
    BaseFigure._ipython_display_ = None  # else it would be used first
    BaseFigure._repr_mimebundle_ = None
    shell.display_formatter.formatters["text/html"].for_type(BaseFigure, show)


register()
