#!/usr/bin/env python3
"""Sums JUnit files: sum_results.py FOLDER [STAGE...] prints what was skipped and
failed, then `N passed, N failed, N skipped`; fails if a test failed or none
ran. A failed STAGE that left no file in the folder counts as one failure."""

import pathlib
import sys
import xml.etree.ElementTree as xml


def outcome(case):
    """What became of one test case, in ctest's and in lit's words."""
    status = case.get("status", "")
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    if case.find("skipped") is not None or status in ("disabled", "notrun"):
        return "skipped"
    return "passed"


def main():
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    folder = pathlib.Path(sys.argv[1])
    for stage in sys.argv[2:]:
        if not (folder / f"{stage}.xml").exists():
            counts["failed"] += 1
            print(f"  failed: {stage}")
    for path in sorted(folder.glob("*.xml")):
        for case in xml.parse(path).iter("testcase"):
            result = outcome(case)
            counts[result] += 1
            if result != "passed":
                name = case.get("name")
                print(f"  {result}: {path.stem} {name}")
    print(", ".join(f"{count} {name}" for name, count in counts.items()))
    sys.exit(1 if counts["failed"] or not counts["passed"] else 0)


main()
