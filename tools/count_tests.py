#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts test functions in CTest's JUnit file: what was skipped and why, then `N passed, N failed, N skipped`.

Usage: count_tests.py JUNIT.xml
A program that died before its totals, or that is no Qt Test program, counts as one test.
"""
import collections
import re
import sys
import xml.etree.ElementTree as ElementTree

TOTALS = re.compile(r"^Totals: (\d+) passed, (\d+) failed, (\d+) skipped", re.MULTILINE)
SKIP = re.compile(r"^SKIP\s*: (\w+::\w+)\(.*?\) (.*)$", re.MULTILINE)


def count(case):
    """Passed, failed, skipped of one test program."""
    sums = [0, 0, 0]
    for totals in TOTALS.findall(case.findtext("system-out") or ""):
        sums = [had + int(more) for had, more in zip(sums, totals)]
    skipped = case.find("skipped")
    if skipped is not None:  # CTest says this also of a program that is not there
        wanted = (skipped.get("message") or "").startswith("SKIP")
        return [0, 0, 1] if wanted else [0, 1, 0]
    if case.get("status") == "fail" and sums[1] == 0:
        sums[1] = 1
    elif sums == [0, 0, 0]:
        sums[0] = 1
    return sums


def main(path):
    cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    reasons = collections.Counter(pair for case in cases for pair in SKIP.findall(case.findtext("system-out") or ""))
    for (function, reason), times in sorted(reasons.items()):
        print(f"skipped {function}{f' ({times} rows)' if times > 1 else ''}: {reason}")
    passed, failed, skipped = (sum(column) for column in zip([0, 0, 0], *map(count, cases)))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")


if __name__ == "__main__":
    main(sys.argv[1])
