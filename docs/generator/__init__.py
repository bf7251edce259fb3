"""The reference pages of the documentation, written at build time from the tables in the code.

Nothing of them is kept in the repository: what they say is what this version does. `generator.pages.write` is called by
docs/conf.py, into docs/reference/made.
"""
