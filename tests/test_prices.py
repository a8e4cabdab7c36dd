"""The price base: each sum in pounds has a year of its prices, and comes out in pounds of the base year."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sim.policies import levers
from sim.scenario.parameters import parameter_groups, parameters
from sim.schema.errors import InputError, RequirementError
from sim.schema.prices import DEFLATORS, base_year, deflators, in_pounds, to_base
from sim.schema.quantities import Price, number
from sim.services.catalogue import FOLDER, Service, load_catalogue

PUBLISHED = {"2008-09": 1.03770794824399, "2021-22": 1.32421441774492, "2023-24": 1.4916820702403}
"""Three levels of the index, typed from its source a second time."""
FIGURE = {"low": 50.0, "high": 300.0, "unit": "pounds a month", "source": "D11 [DS9]", "status": "measured"}


def prices(service: Service) -> dict[str, Price]:
    """The figures in pounds of a service."""
    parts = {"cost": service.cost, "groups": service.groups, "exposure": service.exposure}
    figures = {}
    for name, part in parts.items():
        for key in type(part).model_fields if part is not None else ():
            figure = getattr(part, key)
            if isinstance(figure, Price):
                figures[f"{name}.{key}"] = figure
    return figures


def test_every_cost_has_a_price_year() -> None:
    """A figure in pounds names a year of the deflator file, in each service, mechanism and lever."""
    years = deflators().levels()
    for service in load_catalogue():
        assert prices(service), service.id
        for figure in prices(service).values():
            assert figure.price_year in years
            assert figure.unit.startswith(f"pounds of {base_year()} ")
    for group, model in parameter_groups().items():
        for name, _, spec in model.declared():
            assert in_pounds(spec.unit) == (spec.price_year is not None), f"{group}.{name}"
    for lever in levers():
        assert in_pounds(lever.unit) == (lever.price_year == base_year()), lever.name


def test_no_figure_in_pounds_is_outside_the_prices() -> None:
    """The files have no sum of money that is read without conversion."""
    for name, parameter in parameters().items():
        if "pound" in parameter.spec.unit:
            assert parameter.spec.price_year is not None, name
    for path in FOLDER.glob("*.toml"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if re.search(r'unit = "pounds', line):
                assert re.search(r'price_year = "\d{4}-\d{2}"', line), f"{path.name}: {line}"


def test_conversion_is_exact() -> None:
    """A sum becomes itself times the ratio of two published levels; the base year changes nothing, bit for bit."""
    for year, level in PUBLISHED.items():
        assert deflators().levels()[year] == level
        assert to_base(123.0, year) == pytest.approx(123.0 * PUBLISHED["2023-24"] / level, rel=1e-15)
    assert to_base(0.1, "2023-24") == 0.1
    for service in load_catalogue():
        for figure in prices(service).values():
            wanted = to_base(figure.quoted, figure.price_year)
            wanted += sum(to_base(addend.value, addend.price_year) for addend in figure.plus)
            assert figure.value == pytest.approx(wanted, rel=1e-15)


def test_the_four_costs_of_children_are_uplifted() -> None:
    """Sums of 2021-22 are 12.6 % more in 2023-24 pounds: these four were once read as if they were of 2023-24."""
    services = {service.id: service for service in load_catalogue()}
    for name in ("family_hub", "youth_work", "family_social_work", "children_in_care"):
        cost = services[name].cost
        assert cost is not None
        figure = cost.per_case_month or cost.per_month
        assert figure is not None
        assert figure.price_year == "2021-22"
        assert figure.value / figure.quoted == pytest.approx(1.1265, abs=1e-4)


def test_linked_years_follow_the_calendar_years() -> None:
    """Before the index begins, a financial year is three quarters of one calendar year and one of the next."""
    file = deflators()
    calendar, joined = file.calendar.index, file.calendar.joined_at
    for year in file.calendar.linked:
        first, next_year = year[:4], str(int(year[:4]) + 1)
        at_join = 0.75 * calendar["2008"] + 0.25 * calendar["2009"]
        wanted = (0.75 * calendar[first] + 0.25 * calendar[next_year]) / at_join * file.index[joined]
        assert file.levels()[year] == pytest.approx(wanted, rel=1e-12)
        assert year not in file.index


def test_levels_rise_from_year_to_year() -> None:
    """The deflator rose in each year since 2002-03: a typing error would mostly break this."""
    levels = list(deflators().levels().values())
    assert levels == sorted(levels)


def test_amounts_of_two_years_are_added_after_conversion() -> None:
    """A figure with a part at the prices of another year is the sum of both, each converted by its own year."""
    plus = [{"value": 10.0, "price_year": "2008-09"}]
    price = Price.model_validate(FIGURE | {"value": 100.0, "price_year": "2021-22", "plus": plus})
    assert price.value == pytest.approx(to_base(100.0, "2021-22") + to_base(10.0, "2008-09"), rel=1e-15)
    assert price.quoted == 100.0


def test_a_cost_without_a_price_year_is_refused(tmp_path: Path) -> None:
    """A catalogue file whose cost has no year, or one that the deflator lacks, is refused with its line."""
    text = (FOLDER / "youth_work.toml").read_text(encoding="utf-8")
    for wrong, words in (
        (text.replace('price_year = "2021-22", ', ""), ["cost.per_case_month.price_year", "line"]),
        (text.replace('price_year = "2021-22"', 'price_year = "1987-88"'), ["1987-88", "a financial year"]),
        (text.replace('unit = "pounds a month', 'unit = "euros a month'), ["euros", "pounds"]),
    ):
        assert wrong != text
        (tmp_path / "youth_work.toml").write_text(wrong, encoding="utf-8")
        load_catalogue.cache_clear()
        with pytest.raises(InputError) as refusal:
            load_catalogue(tmp_path)
        for word in words:
            assert word in str(refusal.value)
    load_catalogue.cache_clear()


def test_a_parameter_in_pounds_without_a_year_is_refused() -> None:
    """A mechanism's parameter in pounds needs a price year, and one that is no money must not have one."""
    about = {"low": 1.0, "high": 3.0, "source": "assumed", "meaning": "a price"}
    with pytest.raises(ValueError, match="price_year"):
        number(2.0, unit="pounds a year", **about)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="price_year"):
        number(2.0, unit="per year", price_year="2023-24", **about)  # type: ignore[arg-type]
    field = number(2.0, unit="pounds a year", price_year="2021-22", **about)  # type: ignore[arg-type]
    assert field.default == pytest.approx(to_base(2.0, "2021-22"))


def test_parameters_show_both_figures() -> None:
    """`upstream list parameters` has the source's figure and its year beside the value in base-year pounds."""
    from sim.cli.catalogues import rows

    row = next(r for r in rows("parameters") if r["name"] == "services.family_hub.cost.per_case_month")
    assert (row["quoted"], row["price_year"]) == (250.0, "2021-22")
    assert row["value"] == pytest.approx(250.0 * PUBLISHED["2023-24"] / PUBLISHED["2021-22"])


def test_the_deflator_file_is_dated_and_complete(tmp_path: Path) -> None:
    """The file states source and dates; without the base year or a calendar year that it needs, it is refused."""
    file = deflators()
    assert file.published < file.expires
    text = DEFLATORS.read_text(encoding="utf-8")
    for old, new in (('"2023-24" = 1.49', '"2029-30" = 1.49'), ('"2006" = 63.4682', '"1999" = 63.4682')):
        path = tmp_path / "deflators.toml"
        path.write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(InputError):
            deflators(path)
    with pytest.raises(RequirementError):
        to_base(1.0, "1950-51")
