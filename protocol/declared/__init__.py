"""Framed protocols described as data: model, reader of the description, codec, vectors."""
