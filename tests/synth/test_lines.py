"""Batch files: CSV, JSON Lines and SRT."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indextts_hub.errors import UsageError
from synth.lines import FORMS, Line, read_lines


def test_a_csv_names_its_columns() -> None:
    read = read_lines('\ufeffname,text,emotion,intensity,seed\nintro,"你好，世界",高兴,0.8,7\n,再见,,,\n', "csv")
    assert read == (Line(1, "你好，世界", "intro", "高兴", 0.8, seed=7), Line(2, "再见"))


def test_json_lines_may_have_blank_lines_and_nulls() -> None:
    assert read_lines('{"text": "你好", "speed": 1.5, "voice": null}\n\n{"text": "再见"}', "jsonl") == (
        Line(1, "你好", speed=1.5), Line(2, "再见")
    )  # fmt: skip


def test_an_srt_keeps_its_times() -> None:
    content = "1\r\n00:00:01,500 --> 00:00:02,000\r\n你好\r\n世界\r\n\r\n01:00:03.000 --> 01:00:04.25\r\n<b>再见</b>\r\n"
    assert read_lines(content, "srt") == (
        Line(1, "你好\n世界", start=1.5, end=2.0), Line(2, "再见", start=3603.0, end=3604.25)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("form", "content", "said"),
    [
        ("csv", "你好\n", "names no column"),
        ("csv", "text\na,b\n", "more columns"),
        ("csv", "text,mood\na,b\n", "no 'mood'"),
        ("csv", "text,speed\na,fast\n", "'fast'"),
        ("csv", 'text\n"a\n', "no CSV"),
        ("csv", "text,name\na,x\nb,X\n", "was there before"),
        ("csv", "text,name\na,../x\n", "name of a file"),
        ("csv", "text,name\na,.x\n", "name of a file"),
        ("jsonl", "[]", "no JSON object"),
        ("jsonl", "{", "no JSON"),
        ("jsonl", '{"name": "x"}', "no text"),
        ("jsonl", '{"text": 5}', "'text'"),
        ("srt", "你好", "no times"),
        ("srt", "00:00:02,0 --> 00:00:01,0\nx", "before it begins"),
        ("docx", "你好", "'docx'"),
        ("jsonl", '{"text": "x"}\n' * 10_001, "10000"),
        ("srt", "", "no times"),
    ],
)
def test_a_line_that_can_not_be_meant_is_named(form: str, content: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_lines(content, form)
    assert said in refused.value.message
    assert refused.value.code == "E_BATCH"


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip), min_size=1, max_size=20))
def test_every_text_comes_through_json_lines(texts: list[str]) -> None:
    content = "\n".join(json.dumps({"text": text}, ensure_ascii=True) for text in texts)
    assert [line.text for line in read_lines(content, "jsonl")] == texts


@given(st.sampled_from(sorted(FORMS)), st.text())
def test_any_file_is_read_or_refused(form: str, content: str) -> None:
    try:
        assert read_lines(content, form)
    except UsageError as refused:
        assert refused.code == "E_BATCH"  # noqa: PT017
