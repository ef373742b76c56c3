"""Lines exactly as SageMaker writes them are read without parsing JSON; any other line makes these functions decline.

One regular expression per line costs a fifth of json.loads and the dictionaries it builds. It accepts only keys in the
order of the documented example, one row of CSV in, one number out, and strings without escapes; for such a line it gives
what JSON would. A portion with any other line is given back untouched (None) and read as JSON.
"""

from __future__ import annotations

import re
from typing import NamedTuple


def expression(text: str) -> re.Pattern[str]:
    """Compile one line of JSON, in which a blank may follow a colon or a comma between members."""
    pattern = re.escape(text).replace('":', '":[ ]?').replace(',"', ',[ ]?"')
    return re.compile("^" + pattern.replace("@ROW@", ROW).replace("@TEXT@", TEXT).replace("@ANY@", ANY) + "$", re.M)


ROW = r'([^"\\\n]*)(?:\\n)?'
TEXT = r'([^"\\\n]+)'
ANY = r'[^"\\\n]*'
CAPTURE = expression(
    '{"captureData":{"endpointInput":{"observedContentType":"text/csv@ANY@","mode":"INPUT","data":"@ROW@",'
    '"encoding":"CSV"},"endpointOutput":{"observedContentType":"text/csv@ANY@","mode":"OUTPUT","data":"@ROW@",'
    '"encoding":"CSV"}},"eventMetadata":{"eventId":"@TEXT@","inferenceTime":"@TEXT@"},"eventVersion":"0"}'
)
TRUTH = expression(
    '{"groundTruthData":{"data":"@TEXT@","encoding":"CSV"},"eventMetadata":{"eventId":"@TEXT@"},"eventVersion":"0"}'
)


class Captured(NamedTuple):
    rows: list[str]
    answers: list[str]
    events: list[str]
    times: list[str]


def captured(portion: list[bytes]) -> Captured | None:
    """Read lines of captured traffic, or decline."""
    found = matches(CAPTURE, portion)
    return Captured(*map(list, zip(*found, strict=True))) if found else None


def labelled(portion: list[bytes]) -> list[tuple[str, str]] | None:
    """Read lines of ground truth as label and event, or decline."""
    found = matches(TRUTH, portion)
    return [(label, event) for label, event in found] if found is not None else None


def matches(pattern: re.Pattern[str], portion: list[bytes]) -> list[tuple[str, ...]] | None:
    try:
        text = b"".join(portion).decode()
    except UnicodeDecodeError:
        return None
    if not text.endswith("\n"):
        text += "\n"
    found = pattern.findall(text)
    return found if len(found) == text.count("\n") else None
