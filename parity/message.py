"""The report on a comparison, as text: how many, how bad, where, what was allowed, and what it may be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from parity.judgement import Judged, Verdict
from parity.record import ComparisonRecord, Explanation
from parity.statistics import ArrayStatistics, Extreme
from parity.tolerance import Tolerance

LISTED = 20
"""Failed tensors listed by name; the others are counted."""
TABLED = 3
"""Failed tensors for which the statistics of both sides are shown."""


def message(record: ComparisonRecord, tolerance: Tolerance, verdict: Verdict) -> str:
    """The report on a judged record; for one that passed, one line."""
    lines = [headline(record, tolerance, verdict)]
    lines += [f"  {problem}" for problem in verdict.problems]
    failures = verdict.failures
    for judged in failures[:LISTED]:
        lines += entry(judged)
    if len(failures) > LISTED:
        lines.append(f"  ... and {len(failures) - LISTED} more tensors")
    tabled = [judged for judged in failures if judged.tensor.explanation and judged.tensor.pair]
    for judged in sorted(tabled, key=lambda judged: judged.factor, reverse=True)[:TABLED]:
        lines += ["", *table(judged)]
    return "\n".join(lines)


def headline(record: ComparisonRecord, tolerance: Tolerance, verdict: Verdict) -> str:
    """'genA2B gradients: 3 of 120 tensors differ (1 missing, 2 values); allowed: 1e-11 of scale'."""
    total, failures = len(verdict.tensors), verdict.failures
    if not failures:
        state = "within the tolerance" if verdict.passed else "no valid comparison"
        return f"{record.what}: {total} tensors, {state}; allowed: {tolerance}"
    kinds = Counter(judged.kind for judged in failures)
    counts = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    return f"{record.what}: {len(failures)} of {total} tensors differ ({counts}); allowed: {tolerance}"


def entry(judged: Judged) -> Iterator[str]:
    """The lines on one failed tensor."""
    yield f"  {judged.tensor.name}"
    yield from (f"    {problem}" for problem in judged.problems)
    pair, explanation = judged.tensor.pair, judged.tensor.explanation
    if pair and pair.largest_absolute and judged.kind == "values":
        at = pair.largest_absolute
        yield f"    at {place(at)}: actual {at.actual:.17g}, expected {at.expected:.17g}"
    if explanation:
        if explanation.beyond:
            size = pair.size if pair else 0
            yield f"    {explanation.beyond} of {size} elements beyond {explanation.allowed:.3g}"
        yield from (f"    likely: {hint}" for hint in explanation.hints)


def table(judged: Judged) -> Iterator[str]:
    """Statistics of both sides and of their difference, aligned."""
    pair, explanation = judged.tensor.pair, judged.tensor.explanation
    if pair is None or explanation is None:
        return
    yield f"  {judged.tensor.name} {shape_text(explanation)}"
    titles = ("", "min", "max", "mean", "variance", "nan", "inf")
    rows = [titles, ("actual", *row(explanation.actual)), ("expected", *row(explanation.expected))]
    widths = [max(len(line[column]) for line in rows) for column in range(len(titles))]
    for name, *cells in rows:
        columns = [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
        yield "    " + "  ".join([name.ljust(widths[0]), *columns]).rstrip()
    yield f"    difference: largest {extreme(pair.largest_absolute)}, MAE {pair.mae:.3g}, MSE {pair.mse:.3g}"
    if pair.largest_relative:
        yield f"    relative to the element: largest {extreme(pair.largest_relative)}"


def row(statistics: ArrayStatistics) -> tuple[str, ...]:
    """The cells of one side."""
    numbers = (statistics.minimum, statistics.maximum, statistics.mean, statistics.variance)
    return (*(f"{number:.9g}" for number in numbers), str(statistics.nan), str(statistics.inf))


def shape_text(explanation: Explanation) -> str:
    """'(3, 4) float64', with both dtypes where they differ."""
    dtypes = dict.fromkeys((explanation.actual.dtype, explanation.expected.dtype))
    return f"{explanation.expected.shape} {' | '.join(dtypes)}"


def extreme(found: Extreme | None) -> str:
    """'0.32 at (3, 17)'."""
    return "none" if found is None else f"{found.difference:.3g} at {place(found)}"


def place(found: Extreme) -> str:
    """The index, or words for the only element of a scalar."""
    return str(found.index) if found.index else "the scalar"
