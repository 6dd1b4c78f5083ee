"""``python -m clip_har.cli.data`` is ``clip-har-data``."""

from clip_har.cli.data.command import main

if __name__ == "__main__":
    main()
