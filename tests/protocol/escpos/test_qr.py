"""The size of a QR symbol, against an independent encoder."""

from __future__ import annotations

import segno
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.escpos import qr


@given(
    st.one_of(
        st.binary(min_size=1, max_size=400),
        st.text("0123456789", min_size=1, max_size=600).map(str.encode),
        st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", min_size=1, max_size=400).map(str.encode),
    ),
    st.sampled_from("LMQH"),
)
@settings(max_examples=60, deadline=None)
def test_the_version_is_the_smallest_that_holds_it(data, level):
    """segno needs the same version for the same data in the same mode at the same level."""
    fit = qr.fit(data, level)
    content = data if fit.mode == "byte" else data.decode()
    symbol = segno.make_qr(content, error=level, mode=fit.mode, boost_error=False)
    assert (symbol.version, len(symbol.matrix)) == (fit.version, fit.modules)


def test_limits():
    """2953 bytes and 7089 digits fit version 40-L, one more fits nothing; neither does nothing at all."""
    assert qr.fit(b"\xff" * 2953, "L") == qr.Fit(40, "byte", 177)
    assert qr.fit(b"\xff" * 2954, "L") is None
    assert qr.fit(b"1" * 7089, "L") == qr.Fit(40, "numeric", 177)
    assert qr.fit(b"1" * 7090, "L") is None
    assert qr.fit(b"", "L") is None
