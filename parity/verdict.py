"""The verdict on a report: a pure function, and its text. The text is ASCII."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from parity.checks import GROUPS, Check, Report

LIKELY = {
    "networks": "a layer computes something else: padding, eps, interpolation, or the layout of a weight",
    "gradients": "the backward pass of one operation: clip, ties, a detached branch",
    "losses": "reduction, target or weight of a loss",
    "optimizers": "the update rule: betas, eps, weight decay, bias correction",
    "steps": "the order of the phases, a missing detach, or gradients that are not cleared",
    "training": "state carried to the next iteration: moments, u and v, running statistics, schedule",
    "initial": "initial values that do not follow the published rule",
    "checkpoints": "a name, a layout or an optimizer slot that a file loses",
    "onnx": "the exporter or the runtime",
    "twins": "the two source files have drifted apart",
    "golden": "an implementation that departs from the original project",
}
"""What a first failure in a group usually means."""

MODEL = {"networks", "gradients"}
TRAINING = {"steps", "training"}
"""Groups without which "the same model" and "the same training" cannot be said."""


@dataclass(frozen=True)
class SuiteVerdict:
    """Whether the run shows parity, and the lines that say so, one for each family and the rest below."""

    passed: bool
    lines: tuple[str, ...]


def verdict(report: Report) -> SuiteVerdict:
    """The verdict. No checks at all, no check of a family asked for, or an unfinished run do not pass."""
    names = dict.fromkeys([*report.families, *(check.family for check in report.checks)])
    parts = {name: [check for check in report.checks if check.family == name] for name in names}
    lines = [family_line(report, name, checks) for name, checks in parts.items()]
    failed = [check for check in report.checks if check.failed]
    empty = [name for name, checks in parts.items() if not any(check.passed for check in checks)]
    if not report.checks and not names:
        lines.append("NOT CHECKED: nothing was compared")
    lines += not_run(report)
    return SuiteVerdict(bool(report.checks) and not (failed or unfinished(report) or empty), tuple(lines))


def unfinished(report: Report) -> bool:
    """Whether the run ended before all its tests had run."""
    return report.tests.finished < report.tests.planned or bool(report.tests.stopped)


def family_line(report: Report, name: str, checks: Sequence[Check]) -> str:
    """'U-GAT-IT: torch 2.13.0 and paddle 3.3.1 are the same model and the same training: 143 checks, ...'."""
    title = report.families.get(name, name) or "Independent of a family"
    failed = sorted((check for check in checks if check.failed), key=order)
    who = backends_text(report, checks)
    if not checks:
        return f"{title}: NOT CHECKED: nothing was compared"
    if failed:
        first = failed[0]
        return (
            f"{title}: {who} DIFFER: {len(failed)} of {counted(len(checks), 'check')} failed; "
            f"first: {subject(first)}{measured(first)}; most likely: {likely(first)}"
        )
    if unfinished(report):
        return f"{title}: NOT FINISHED: {counted(len(checks), 'check')} so far, none failed"
    known = sum(not check.passed for check in checks)
    aside = f", {known} of them a declared difference" if known else ""
    says = (
        f"agree with {left_out} left out" if (left_out := report.options.get("simplify")) else claim(checks)
    )
    return f"{title}: {who} {says}: {counted(len(checks), 'check')}{aside}{worst(checks)}"


def backends_text(report: Report, checks: Sequence[Check]) -> str:
    """'torch 2.13.0 and paddle 3.3.1'."""
    names = dict.fromkeys(name for check in checks for name in check.backends)
    texts = [f"{name} {report.versions.get(name, {}).get(name, '')}".strip() for name in names]
    return " and ".join(texts) if texts else "both sides"


def claim(checks: Sequence[Check]) -> str:
    """What the groups that were checked allow to say."""
    groups = {check.group for check in checks if check.passed}
    missing = [group for group in GROUPS if group in (MODEL | TRAINING) - groups]
    if not missing:
        return "are the same model and the same training"
    if groups >= MODEL:
        return f"are the same model (not checked: {', '.join(missing)})"
    return f"agree in {', '.join(sorted(groups, key=rank))} (not checked: {', '.join(missing)})"


def worst(checks: Sequence[Check]) -> str:
    """', worst 3e-13 of 1e-11 (light steps ...)', of all comparisons with a bound; nothing without one."""
    bounded = [check for check in checks if check.bound and check.compared and check.passed]
    if not bounded:
        return ""
    check = max(bounded, key=lambda check: check.factor)
    return f", worst{measured(check)} ({subject(check)})"


def subject(check: Check) -> str:
    """'light networks genA2B'."""
    return " ".join(part for part in (check.case, check.group, check.name) if part)


def measured(check: Check) -> str:
    """' 3e-13 of 1e-11' with a leading space, or nothing."""
    if check.error is None:
        return ""
    return f" {check.error:.2g} of {check.bound or 0:.2g}"


def likely(check: Check) -> str:
    """The guess of the comparison, or what a first failure in this group usually means."""
    where = f"{check.worst}: " if check.worst else ""
    return where + (check.hint or LIKELY.get(check.group, "see the report of the check"))


def not_run(report: Report) -> Iterator[str]:
    """What was left out, so that a pass does not say more than was looked at."""
    tests = report.tests
    if unfinished(report):
        reason = f" ({tests.stopped})" if tests.stopped else ""
        yield f"NOT FINISHED: {tests.finished} of {counted(tests.planned, 'test')} ran{reason}"
    if tests.slow:
        yield f"{counted(tests.slow, 'slow check')} not run (--slow)"
    if tests.deselected:
        yield f"{counted(tests.deselected, 'test')} not selected"
    for text in tests.skipped:
        yield f"skipped: {text}"


def counted(number: int, noun: str) -> str:
    """'1 check', '2 checks'."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def rank(group: str) -> int:
    """Place of a group in a run; unknown ones come last."""
    return GROUPS.index(group) if group in GROUPS else len(GROUPS)


def order(check: Check) -> int:
    """Checks by group; the sort keeps the order of the run within one."""
    return rank(check.group)


def check_line(check: Check, verbose: bool = False) -> str:
    """One check as one line: case, name, backends, dtype, error of bound, status, time."""
    if check.error is None:
        numbers = "yes or no"
    elif not check.bound:
        numbers = "equal" if check.passed else f"{check.error:.2g} of 0"
    else:
        numbers = measured(check).strip()
    status = "ok" if check.passed else "known" if check.known else "FAIL"
    line = (
        f"  {check.case:<16} {check.name:<30} {' | '.join(check.backends):<15} {check.dtype:<8} "
        f"{numbers:>18}  {status:<5} {check.seconds:5.1f}s"
    )
    if verbose and check.compared:
        line += f"  {counted(check.compared, 'tensor')}, worst {check.worst}"
    return line


def report_text(report: Report) -> str:
    """Every check by family and group, one line each, then the verdict."""
    lines: list[str] = []
    heading = ""
    for check in sorted(report.checks, key=lambda check: (check.family, order(check))):
        title = report.families.get(check.family, check.family)
        if heading != (heading := f"{title} {check.group}".strip()):
            lines += ["", heading]
        lines.append(check_line(check))
    return "\n".join([*lines, "", *verdict(report).lines]).lstrip("\n")
