"""What docs/expressions.md says is so."""

import doctest
import re
from pathlib import Path

from geojobs_lab.expressions import Expression
from geojobs_lab.expressions.functions import CONSTANTS, ELEMENTWISE, REDUCTIONS
from geojobs_lab.expressions.parser import DEEPEST, LONGEST
from geojobs_lab.expressions.sources import MOST_CELLS

TEXT = (Path(__file__).parents[2] / "docs" / "expressions.md").read_text()


def test_the_examples_run_as_they_stand() -> None:
    code = "\n".join(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL))
    examples = doctest.DocTestParser().get_doctest(code, {}, "expressions.md", None, 0)
    assert len(examples.examples) > 12
    assert doctest.DocTestRunner(verbose=False).run(examples).failed == 0


def test_every_function_and_constant_is_there_and_no_other() -> None:
    section = TEXT.split("## Functions")[1].split("## Missing data")[0]
    first_cells = "".join(line.split("|")[1] for line in section.splitlines() if line.startswith("|"))
    named = set(re.findall(r"[a-z_]+[0-9]*(?=[( `])", " ".join(re.findall(r"`[^`]+`", first_cells))))
    assert named == {*ELEMENTWISE, *REDUCTIONS}
    assert all(f"`{name}`" in TEXT for name in CONSTANTS)


def test_the_limits_are_those_of_the_code() -> None:
    assert f"{LONGEST:,} characters".replace(",", " ") in TEXT
    assert f"{DEEPEST} levels" in TEXT
    assert MOST_CELLS == 2**28
    assert "2^28 cells" in TEXT


def test_what_is_said_of_precedence_and_missing_data_is_so() -> None:
    for text, value in (("2 ** 3 ** 2", 512), ("-2 ** 2", -4), ("1 / 2", 0.5), ("1 > 2 == False", True)):
        assert f"`{text}`" in TEXT
        assert Expression(text).evaluate({}) == value
