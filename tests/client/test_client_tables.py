from geojobs_lab.client import Listing

COLUMNS = {"name": lambda item: item, "length": len}


def test_a_listing_is_a_sequence():
    listing = Listing(["a", "bb"], COLUMNS, title="texts")
    assert (len(listing), listing[1], list(listing[:1]), "a" in listing) == (2, "bb", ["a"], True)


def test_a_listing_prints_as_an_aligned_table():
    assert repr(Listing(["a", "bbbbb"], COLUMNS, title="texts")).splitlines() == [
        "name   length",
        "-----  ------",
        "a      1",
        "bbbbb  5",
    ]


def test_long_cells_are_cut_in_text_and_whole_in_html():
    listing = Listing(["x" * 100], COLUMNS, title="texts")
    assert "x" * 59 + "…" in repr(listing)
    assert "x" * 100 in listing._repr_html_()


def test_an_empty_listing_says_so():
    listing = Listing([], COLUMNS, title="texts")
    assert (repr(listing), listing._repr_html_()) == ("no texts", "<p>no texts</p>")


def test_a_part_of_more_says_so():
    listing = Listing(["a"], COLUMNS, title="texts", total=7)
    assert repr(listing).endswith("1 of 7 texts")
    assert "1 of 7 texts" in listing._repr_html_()


def test_html_is_escaped():
    columns = {"<b>": lambda item: item}
    html = Listing(["<script>alert('x')</script>"], columns, title="texts")._repr_html_()
    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html


def test_text_from_a_server_cannot_steer_the_terminal():
    text = repr(Listing(["a\x1b[31m\nb"], COLUMNS, title="texts"))
    assert "\x1b" not in text
    assert len(text.splitlines()) == 3


def test_nothing_is_an_empty_cell():
    assert "None" not in repr(Listing([1], {"x": lambda _: None}, title="things"))
