"""``python -m clip_har``."""

from clip_har.cli.app import main

if __name__ == "__main__":  # a configuration may name any module: importing one runs nothing
    main()
