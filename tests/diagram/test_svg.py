"""The SVG: well-formed, self-contained, readable by those who cannot see it, the same bytes every time."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from labkit.diagram import render
from labkit.diagram.svg import COLOURS, INK, PAPER, REGION, SOFT, SUBNETS

SVG = "{http://www.w3.org/2000/svg}"


def test_a_picture_is_well_formed_and_needs_nothing_from_elsewhere(every):
    # GIVEN a template
    text = render(every)
    # WHEN its picture is read as XML
    root = ElementTree.fromstring(text)
    # THEN it is one SVG without scripts, styles from elsewhere, images or links
    assert root.tag == f"{SVG}svg"
    assert not {element.tag for element in root.iter()} & {f"{SVG}script", f"{SVG}image", f"{SVG}a", f"{SVG}use"}
    assert re.findall(r"https?://[^\"]+", text) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"\son\w+=|url\((?!#)", text)


def test_a_picture_has_a_title_and_tells_its_flows_in_words(lab):
    # GIVEN the picture of an endpoint
    root = ElementTree.fromstring(render(lab("realtime_endpoint")))
    # WHEN it is read aloud
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    # THEN it says what it shows and where data flows
    assert title is not None
    assert description is not None
    assert title.text == "Architecture of d3_sample"
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert "SageMaker endpoint Endpoint -> S3 bucket Capture (captured data)" in str(description.text)
    assert "In the VPC 10.0.0.0/16 (no route to the internet" in str(description.text)


def test_a_picture_stands_on_white_and_its_text_is_dark_enough():
    # GIVEN the colours of text
    # WHEN each is compared with the paper
    # THEN the contrast is at least 4.5 to 1, as WCAG asks
    assert min(_contrast(colour, PAPER) for colour in (INK, SOFT, REGION, SUBNETS, *COLOURS.values())) >= 4.5


def test_the_first_shape_covers_the_whole_picture_with_paper(every):
    # GIVEN a picture on a page of any colour
    root = ElementTree.fromstring(render(every))
    # WHEN its first shape is read
    panel = next(root.iter(f"{SVG}rect"))
    # THEN it is as large as the picture, and white
    assert (panel.get("width"), panel.get("height")) == tuple(str(root.get("viewBox")).split()[2:])
    assert panel.get("fill") == PAPER


def test_everything_lies_inside_the_picture(every):
    # GIVEN a picture
    root = ElementTree.fromstring(render(every))
    wide, high = (float(number) for number in str(root.get("viewBox")).split()[2:])
    # WHEN every rectangle and text is looked at
    # THEN it begins and ends inside
    groups = {id(child) for group in root.iter(f"{SVG}g") if group.get("transform") for child in group.iter()}
    for element in root.iter(f"{SVG}rect"):
        if id(element) not in groups:
            assert min(float(element.get("x", 0)), float(element.get("y", 0))) >= 0
            assert float(element.get("x", 0)) + float(element.get("width", 0)) <= wide
            assert float(element.get("y", 0)) + float(element.get("height", 0)) <= high
    assert all(0 <= float(text.get("y", 0)) <= high for text in root.iter(f"{SVG}text"))


def test_names_with_special_characters_are_shown_as_they_are(lab):
    # GIVEN a resource whose path holds characters that XML reserves
    assembly = lab({"Odd": {"Type": "AWS::S3::Bucket"}}, paths={"Odd": "A<b>&c"})
    # WHEN its picture is read
    texts = [text.text for text in ElementTree.fromstring(render(assembly)).iter(f"{SVG}text")]
    # THEN the name is whole
    assert "A<b>&c" in texts


def test_a_template_without_anything_to_show_is_still_a_picture(lab):
    # GIVEN a role alone
    # WHEN its picture is read
    root = ElementTree.fromstring(render(lab({"Role": {"Type": "AWS::IAM::Role", "Properties": {}}})))
    # THEN the role is counted below
    assert "1 role" in [text.text for text in root.iter(f"{SVG}text")]


def test_the_bytes_do_not_depend_on_the_process(lab):
    # GIVEN a template on disk
    assembly = lab("canary_rollout")
    code = (
        "import sys; from pathlib import Path; from labkit.assembly import Assembly; from labkit.diagram import render;"
        "sys.stdout.write(render(Assembly.read(Path(sys.argv[1]))))"
    )
    # WHEN it is drawn in two processes whose sets and dictionaries hash differently
    root = Path(__file__).parents[2]
    pictures = [
        subprocess.run(
            [sys.executable, "-c", code, str(assembly.folder)],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    # THEN both are the same
    assert pictures[0] == pictures[1] == render(assembly).encode()


def _contrast(one: str, two: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
