"""Writes the table of wrong and unusual inputs into docs/pitfalls.md.

    KERAS_BACKEND=tensorflow python tests/unusual_inputs.py --write

The table is data, in tests/unusual; tests/test_unusual_inputs.py checks each cell.
"""

import argparse

from unusual.page import PAGE, count_cells, markdown, page_with_table


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the page")
    options = parser.parse_args()
    if options.write:
        PAGE.write_text(page_with_table(PAGE.read_text("utf-8")), "utf-8")
    else:
        print(markdown())
    for family, cells in count_cells().items():
        print(f"{family}: {cells} cells")


if __name__ == "__main__":
    main()
