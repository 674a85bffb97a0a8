"""Captions say what is heard, when, in the two forms that players read."""

from synth.audio.captions import Caption, to_srt, to_webvtt

CAPTIONS = (Caption("你好。", 0.0, 1.2), Caption("再\n\n见 <b>&", 3_661.0005, 3_662.9999))


def test_srt_is_numbered_with_commas_in_times() -> None:
    assert to_srt(CAPTIONS) == ("1\n00:00:00,000 --> 00:00:01,200\n你好。\n\n2\n01:01:01,000 --> 01:01:03,000\n再\n见 <b>&\n")


def test_webvtt_has_its_header_and_no_markup_from_outside() -> None:
    assert to_webvtt(CAPTIONS) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.200\n你好。\n\n01:01:01.000 --> 01:01:03.000\n再\n见 &lt;b&gt;&amp;\n"
    )


def test_no_captions_are_an_empty_file() -> None:
    assert to_srt(()) == ""
    assert to_webvtt(()) == "WEBVTT\n"
