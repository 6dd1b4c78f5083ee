"""``python -m clip_har.data_tools`` is ``clip-har-data``."""

from clip_har.data_tools.command import main

if __name__ == "__main__":
    main()
