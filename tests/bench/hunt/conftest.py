"""A small subject and programs with a known mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.hunt.play import Job
from bench.hunt.subject import Subject, subject_of

ROOT = Path(__file__).parents[3]
SMALL = ROOT / "tests" / "support" / "small.toml"
MISTAKE = ROOT / "examples" / "collector_with_a_mistake.py"
GOOD = ROOT / "examples" / "collector.py"


@pytest.fixture(scope="session")
def subject() -> Subject:
    return subject_of(str(SMALL))


@pytest.fixture
def job(subject: Subject, tmp_path: Path):
    """Makes the job of a script, or of code."""

    def make(script: Path | str, *args: str, **given) -> Job:
        if isinstance(script, str):
            path = tmp_path / "program.py"
            path.write_text(script, encoding="utf-8")
            script = path
        args = args or ("{port:keypads}", "{records}", "--units", "1-2")
        return Job(subject, ("python", str(script), *args), str(tmp_path), **given)

    return make
