"""The Alpha Sign Communications Protocol (M-Protocol): packets, files in a sign's memory, text with control codes.

Source: Adaptive Micro Systems, Alpha Sign Communications Protocol, form 9708-8061 rev. F, 10 March 2006 [S], as
protocols.md 2.2 gives it and as three programs quote it that cite its tables [C]. What was measured on a real sign (a
BetaBrite) and published with the measurement is marked [C, measured]; what those sources leave open is marked
"assumed" where it is decided.
"""
