"""Lets `python -m keras_ccar_command` do what `keras-ccar` does."""

import sys

from keras_ccar_command import main

if __name__ == "__main__":
    sys.exit(main())
