"""ESC/POS, the language of ticket printers: tokens, what they put on paper, status bytes, and builders.

`write` builds the bytes a host sends; `tokenizer` cuts a stream into commands by the table in `commands`; `composer`
executes them line by line, by the tables in `settings`, `do_lines`, `do_codes` and `do_pictures`; `page` is page mode;
`barcodes` and `qr` are what codes need; `images` and `stored_images` pictures; `paper` holds what is then on the sheet;
`status` has the bytes a printer sends back, both ways; `codepages` the character tables; `profiles` what differs from
model to model. Source: protocols.md section 4; each module names its documents.
"""
