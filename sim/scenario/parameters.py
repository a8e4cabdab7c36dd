"""The parameters that `[parameters]` in a scenario, or `--set parameters.X`, can set: unit, range, source, status."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sim.engine.schedule import REGISTRY
from sim.place.place import Place
from sim.policies import LEVER_GROUP, lever_baselines
from sim.scenario import data_parameters, registry
from sim.scenario.valuation import VALUATION, Valuation
from sim.schema import toml_keys
from sim.schema.errors import InputError, Phrase
from sim.schema.quantities import ParameterSpec, Params
from sim.schema.renamed import PARAMETER_GROUPS, PARAMETERS, renamed

if TYPE_CHECKING:
    import pandas as pd


def parameter_groups() -> dict[str, type[Params]]:
    """Collect the parameter classes of mechanisms, by the name of their module, and the baselines of levers."""
    assert registry.FOLDERS  # importing the registry has registered every mechanism
    groups: dict[str, type[Params]] = {LEVER_GROUP: lever_baselines()}
    for entry in REGISTRY.month():
        if list(entry.params.declared()):
            groups.setdefault(entry.params.__module__.rsplit(".", 1)[-1], entry.params)
    return groups


class Parameter(NamedTuple):
    """A parameter that `[parameters]` can set.

    Attributes
    ----------
    value : float
        Default value.
    spec : ParameterSpec
        Unit, range, source, status and meaning.
    """

    value: float
    spec: ParameterSpec


def parameters(place: str = "anytown") -> dict[str, Parameter]:
    """Collect the parameters of mechanisms, the choices of the analyst, then the figures of the data files.

    Parameters
    ----------
    place : str
        Name of the place whose figures are included.

    Returns
    -------
    dict of str to Parameter
        By dotted name.
    """
    return parameters_of(Place.load(place))


def parameters_of(place: Place) -> dict[str, Parameter]:
    """Collect the parameters as `parameters` does, with the figures of a place that may have no file.

    Parameters
    ----------
    place : Place
        The place.

    Returns
    -------
    dict of str to Parameter
        By dotted name.
    """
    published = data_parameters.of_england() | data_parameters.of_place(place)
    return _declared() | {name: Parameter(known.value, known.spec) for name, known in published.items()}


def declared_models() -> dict[str, type[Params]]:
    """Collect the parameter classes of mechanisms, of levers' baselines and of the analyst's choices, by group."""
    return {**parameter_groups(), VALUATION: Valuation}


def _declared() -> dict[str, Parameter]:
    return {
        f"{group}.{field}": Parameter(value, spec)
        for group, model in declared_models().items()
        for field, value, spec in model.declared()
    }


def _known(name: str, place: str) -> ParameterSpec | None:
    """The description of one parameter, without a look at all the others: a scenario may set hundreds."""
    group, _, field = name.partition(".")
    if data_parameters.is_figure(name):
        of_place = group == "place"
        published = data_parameters.of_place(Place.load(place)) if of_place else data_parameters.of_england()
        return published[name].spec if name in published else None
    model = declared_models().get(group)
    return next((spec for known, _, spec in model.declared() if known == field), None) if model is not None else None


def parameter(name: str, value: float, path: Path | str = "--set", text: str = "", place: str = "anytown") -> None:
    """Check that a parameter exists and a value lies within its range.

    Parameters
    ----------
    name : str
        Dotted name of the parameter.
    value : float
        The value.
    path : Path or str
        Name of the file in messages.
    text : str
        Text of the file, from which messages take line numbers.
    place : str
        Name of the place whose figures can be set.

    Raises
    ------
    InputError
        If there is no such parameter or the value lies outside its range.
    """
    spec = _known(name, place)
    if spec is not None and spec.low <= value <= spec.high:
        return
    key: tuple[str | int, ...] = ("parameters", name)
    if text and toml_keys.locate(text, key) == toml_keys.locate(text, "parameters"):
        key = ("parameters", *name.split("."))  # written as a table in a table
    if spec is None:
        every = parameters(place)
        constant = data_parameters.fixed(Place.load(place)).get(name)
        if constant is not None:
            raise fail(path, text, key, "a parameter", Phrase(f"'{name}', which is fixed at {constant:g}"))
        above = name.split(".")
        if name in PARAMETERS:
            raise fail(path, text, key, Phrase(renamed(name, PARAMETERS[name])), name)
        if above[0] in PARAMETER_GROUPS:
            new_name = ".".join([PARAMETER_GROUPS[above[0]], *above[1:]])
            raise fail(path, text, key, Phrase(renamed(name, new_name)), name)
        alike = [known for known in every if known.startswith(".".join(above[:2]) + ".")]
        alike = alike or [known for known in every if known.startswith(above[0] + ".")]
        raise fail(path, text, key, "the name of a parameter", name, tuple(alike) or tuple(every))
    raise fail(path, text, key, f"{spec.low:g} to {spec.high:g} ({spec.unit})", value)


def fail(
    path: Path | str, text: str, key: tuple[str | int, ...], wanted: str, came: object, choices: tuple[str, ...] = ()
) -> InputError:
    """Make the error of a key, with its line looked up in the text of the file; the caller raises it.

    Parameters
    ----------
    path : Path or str
        Name of the file in messages.
    text : str
        Text of the file, or "".
    key : tuple of str or int
        Parts of the key at fault.
    wanted : str
        Noun phrase that follows "wanted".
    came : object
        The value that came, or a `Phrase` about it.
    choices : tuple of str
        Values that are allowed.

    Returns
    -------
    InputError
    """
    line = toml_keys.locate(text, key) if text else None
    return InputError(path, line, toml_keys.dotted(key), wanted, came, choices)


def parameter_frame(place: str = "anytown") -> pd.DataFrame:
    """Every parameter of the model as a table.

    Parameters
    ----------
    place : str
        The place whose own figures are included.

    Returns
    -------
    pandas.DataFrame
        A row for each parameter: `name`, `value`, `unit`, `low`, `high`, `status` (measured, estimated or assumed),
        `source`, `meaning`.

    Examples
    --------
    >>> import sim
    >>> frame = sim.parameters().set_index("name")
    >>> float(frame.loc["resilience.scar", "value"])
    0.1
    """
    import pandas as pd

    return pd.DataFrame(
        [
            {"name": name, "value": p.value, "unit": p.spec.unit, "low": p.spec.low, "high": p.spec.high,
             "status": p.spec.status, "source": p.spec.source, "meaning": p.spec.meaning}
            for name, p in parameters(place).items()
        ]
    )  # fmt: skip
